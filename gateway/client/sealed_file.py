"""The sealed form of a file that stays on disk in the clear: sealed where and when it is read.

Reading a part again seals the same chunks again, from their own plaintext, to the same bytes; so an upload
resumes at any offset without a sealed copy, and memory holds what is read at once.
"""

from __future__ import annotations

import time

from bitcache.sealing import container, hash_groups, key_derivation
from bitcache.sealing.chunk_cipher import CHUNK_SIZE, HEADER_SIZE, SEALED_CHUNK_SIZE
from gateway.client.plain_file import PlainSource


class SealedFile:
    """A source's sealed form, readable at any offset; its group hashes come from reading it once in order."""

    def __init__(self, source: PlainSource, key: bytes, context: bytes) -> None:
        """Seal ``source``, which is closed with this."""
        self._source = source
        self._key, self._context, self._salt = key, context, key_derivation.new_salt()
        self._hasher, self._hashed = hash_groups.GroupHasher(), HEADER_SIZE
        self.header = container.Sealer(key, context, self._salt).header
        self.plain_size = source.size
        self.size = container.sealed_size(self.plain_size)
        self.seconds = 0.0

    def close(self) -> None:
        """Let go of the plaintext."""
        self._source.close()

    def read(self, offset: int, length: int) -> memoryview:
        """Return sealed bytes from ``offset``; raise SourceChanged rather than seal two contents, SourceUnreadable."""
        if offset > self._hashed:
            raise ValueError("a first reading goes in order, so that every byte is hashed")
        started = time.perf_counter()
        chunk = max(offset - HEADER_SIZE, 0) // SEALED_CHUNK_SIZE
        start = container.chunk_offset(chunk) if chunk else 0
        stop = min(offset + length, self.size)
        # memoryview: cutting out a part costs no copy of some megabytes.
        sealed = memoryview(self._seal(chunk, stop))[offset - start : stop - start]
        self._hash(offset, sealed)
        self.seconds += time.perf_counter() - started
        return sealed

    def group_hashes(self) -> list[bytes]:
        """After the last byte was read: the hashes that the manifest signs."""
        return self._hasher.finalize()

    def _seal(self, chunk: int, stop: int) -> bytes:
        """Return sealed bytes from the start of ``chunk`` (for 0: of the header) to ``stop`` or a little beyond."""
        last = -(-(stop - HEADER_SIZE) // SEALED_CHUNK_SIZE)
        plain = self._source.read(chunk * CHUNK_SIZE, (last - chunk) * CHUNK_SIZE)
        sealer = container.Sealer(self._key, self._context, self._salt, first_chunk=chunk)
        sealed = sealer.update(plain)
        return sealed + sealer.finalize() if last > self.plain_size // CHUNK_SIZE else sealed

    def _hash(self, offset: int, sealed: memoryview) -> None:
        fresh = sealed[max(self._hashed - offset, 0) :]
        self._hasher.update(fresh)
        self._hashed += len(fresh)
