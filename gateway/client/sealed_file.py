"""The sealed form of a file that stays on disk in the clear: sealed where and when it is read.

Reading a part again seals the same chunks again, from their own plaintext, to the same bytes; so an upload
resumes at any offset without a sealed copy, and memory holds one piece.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from bitcache.errors import StorageError
from bitcache.sealing import container, groups, shares
from bitcache.sealing.chunks import CHUNK_SIZE, HEADER_SIZE, SEALED_CHUNK_SIZE


class SourceChanged(StorageError):
    """The file changed while it was being sealed."""

    code = "source_changed"
    hint = "Nothing was listed. Wait until nothing writes to the file, then run the command again."


class SealedFile:
    """A file's sealed form, readable at any offset; its group hashes come from reading it once in order."""

    def __init__(self, path: Path, key: bytes, context: bytes) -> None:
        self._file = path.open("rb")
        self._state = self._stat()
        self._key, self._context, self._salt = key, context, shares.new_salt()
        self._hasher, self._hashed = groups.GroupHasher(), HEADER_SIZE
        self.header = container.Sealer(key, context, self._salt).header
        self.plain_size = self._state[0]
        self.size = container.sealed_size(self.plain_size)
        self.seconds = 0.0

    def close(self) -> None:
        """Let go of the plaintext."""
        self._file.close()

    def read(self, offset: int, length: int) -> memoryview:
        """Sealed bytes from ``offset``; raises SourceChanged rather than seal two contents under one key."""
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
        """From the start of ``chunk`` (of the header, for chunk 0) to ``stop`` or a little beyond."""
        last = -(-(stop - HEADER_SIZE) // SEALED_CHUNK_SIZE)
        self._file.seek(chunk * CHUNK_SIZE)
        plain = self._file.read((last - chunk) * CHUNK_SIZE)
        if self._stat() != self._state:
            raise SourceChanged
        sealer = container.Sealer(self._key, self._context, self._salt, first_chunk=chunk)
        sealed = sealer.update(plain)
        return sealed + sealer.finalize() if last > self.plain_size // CHUNK_SIZE else sealed

    def _hash(self, offset: int, sealed: memoryview) -> None:
        fresh = sealed[max(self._hashed - offset, 0) :]
        self._hasher.update(fresh)
        self._hashed += len(fresh)

    def _stat(self) -> tuple[int, int]:
        found = os.fstat(self._file.fileno())
        return found.st_size, found.st_mtime_ns
