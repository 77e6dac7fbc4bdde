"""The sealed form of a file that stays on disk in the clear: sealed where and when it is read.

Reading a part again seals the same chunks again, from their own plaintext, to the same bytes; so an upload
resumes at any offset without a sealed copy, and memory holds one piece.
"""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import BinaryIO

from bitcache.sealing import container, hash_groups, key_derivation
from bitcache.sealing.chunk_cipher import CHUNK_SIZE, HEADER_SIZE, SEALED_CHUNK_SIZE
from gateway.client.errors import NotAFile, SizeUnknown, SourceChanged, SourceUnreadable


class SealedFile:
    """A file's sealed form, readable at any offset; its group hashes come from reading it once in order."""

    def __init__(self, path: Path, key: bytes, context: bytes) -> None:
        """Open ``path``; raise NotAFile, SizeUnknown, and OSError when it cannot be opened."""
        self._file = open_regular(path)
        self._state = self._stat()
        self._refuse_false_size()
        self._key, self._context, self._salt = key, context, key_derivation.new_salt()
        self._hasher, self._hashed = hash_groups.GroupHasher(), HEADER_SIZE
        self.header = container.Sealer(key, context, self._salt).header
        self.plain_size = self._state[0]
        self.size = container.sealed_size(self.plain_size)
        self.seconds = 0.0

    def close(self) -> None:
        """Let go of the plaintext."""
        self._file.close()

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
        plain = self._read(chunk * CHUNK_SIZE, (last - chunk) * CHUNK_SIZE)
        # What was read counts, not what the filesystem says: the last chunk is asked for beyond the file's end.
        if len(plain) != min((last - chunk) * CHUNK_SIZE, self.plain_size - chunk * CHUNK_SIZE):
            raise SourceChanged
        if self._stat() != self._state:
            raise SourceChanged
        sealer = container.Sealer(self._key, self._context, self._salt, first_chunk=chunk)
        sealed = sealer.update(plain)
        return sealed + sealer.finalize() if last > self.plain_size // CHUNK_SIZE else sealed

    def _hash(self, offset: int, sealed: memoryview) -> None:
        fresh = sealed[max(self._hashed - offset, 0) :]
        self._hasher.update(fresh)
        self._hashed += len(fresh)

    def _refuse_false_size(self) -> None:
        size = self._state[0]
        if self._read(size, 1) or (size and not self._read(size - 1, 1)):
            self._file.close()
            raise SizeUnknown("the file does not hold as many bytes as its size says")

    def _read(self, offset: int, length: int) -> bytes:
        try:
            self._file.seek(offset)
            return self._file.read(length)
        except OSError as error:
            raise SourceUnreadable(f"the file could not be read: {error.strerror or error}") from None

    def _stat(self) -> tuple[int, int]:
        status = os.fstat(self._file.fileno())
        return status.st_size, status.st_mtime_ns


def open_regular(path: Path) -> BinaryIO:
    """Return the file, opened without waiting for whoever writes to a pipe; raise NotAFile."""
    if stat.S_ISREG(path.stat().st_mode):
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return os.fdopen(descriptor, "rb")
        os.close(descriptor)
    raise NotAFile("this is a pipe, a device or a folder, not a file")
