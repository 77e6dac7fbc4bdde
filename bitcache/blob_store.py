"""The port to where sealed files are kept: each is written once, and never changes.

What arrives of an upload is kept apart until it is whole and checked.  Whoever decides something about one file (list
it, forget it) holds ``lock(file_id)`` meanwhile.  Methods that are not ``async`` answer at once, from memory or a disk
of this machine: a store elsewhere keeps the parts of uploads here and moves what is whole.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Collection, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from bitcache.identifiers import FileId


@dataclass(frozen=True, slots=True)
class LocalFile:
    """Send the bytes of this open file, of ``size`` bytes; close it afterwards."""

    file: BinaryIO
    size: int


@dataclass(frozen=True, slots=True)
class InternalRedirect:
    """Have the proxy in front send it: ``location`` is known to the proxy alone (nginx: X-Accel-Redirect)."""

    location: str


@dataclass(frozen=True, slots=True)
class RedirectUrl:
    """Send the buyer there; ``url`` works for a short while, and for this file alone."""

    url: str


#: How a store has a file sent.
Sending = LocalFile | InternalRedirect | RedirectUrl


@dataclass(frozen=True, slots=True)
class Arrived:
    """How many bytes of an upload there are, and when the last one came (Unix seconds)."""

    size: int
    at: float


class BlobStore(Protocol):
    """Sealed files by their id; a name that is no file id raises InvalidIdentifier."""

    def lock(self, file_id: FileId) -> AbstractAsyncContextManager[None]:
        """Return the lock of whoever changes, or decides something about, this file."""
        ...

    def free_bytes(self) -> int:
        """Return for how many bytes there is room."""
        ...

    async def create(self, file_id: FileId) -> None:
        """Begin an upload; what an unknown one left there is dropped.  Hold the lock."""
        ...

    async def append(self, file_id: FileId, offset: int, pieces: AsyncIterable[bytes], limit: int) -> int:
        """Add ``pieces`` at ``offset``, up to ``limit`` bytes in all; return the new size, safely stored.

        It takes the lock by itself, once per write.  Whatever ends the pieces early, what arrived is kept.  Raise
        UploadOffset, UploadTooLarge, NotFound, StorageError, and DiskFull, with what was surely written kept.
        """
        ...

    def arrived(self, file_id: FileId) -> Arrived:
        """Return how far an upload is, or the whole file; raise NotFound."""
        ...

    async def verify(self, file_id: FileId, check: Callable[[Iterator[bytes]], None]) -> None:
        """Hand all bytes that arrived to ``check``, once, in a thread; raise what it raises."""
        ...

    async def commit(self, file_id: FileId) -> None:
        """Turn the upload into the whole file, for good; again is harmless.  Hold the lock; raise UploadExists."""
        ...

    async def delete(self, file_id: FileId) -> None:
        """Remove whatever there is of the file.  Hold the lock, and be sure that it is not on sale."""
        ...

    def size(self, file_id: FileId) -> int:
        """Return the bytes of a whole file; raise NotFound."""
        ...

    async def send(self, file_id: FileId) -> Sending:
        """Return how to send the whole file, or a range of it; raise StorageError when it is missing."""
        ...

    def sweep(self, known: Collection[str]) -> int:
        """Remove uploads that are not ``known``, at start alone; return how many."""
        ...
