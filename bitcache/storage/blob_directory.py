"""Sealed files in a directory (implements :class:`bitcache.blob_store.BlobStore`).

    parts/<file id>                      what has arrived of an upload; grows at its end alone
    objects/<2 characters>/<file id>     a whole file

Work on the disk runs in threads.
"""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections.abc import AsyncIterable, Callable, Collection, Iterator
from pathlib import Path
from typing import TypeVar
from weakref import WeakValueDictionary

from bitcache.blob_store import Arrived, LocalFile
from bitcache.errors import (
    BitcacheError,
    DiskFull,
    NotFound,
    StorageError,
    UploadExists,
    UploadOffset,
    UploadTooLarge,
)
from bitcache.identifiers import FileId, parse_file_id
from bitcache.storage.durable_files import sync_folder

WRITE_SIZE = 1 << 20  #: bytes gathered before each write
READ_SIZE = 1 << 20  #: bytes read at once while verifying

T = TypeVar("T")


class BlobDirectory:
    """The files under ``root``, which is made if it is not there.  ``reserve`` bytes of its disk are left free."""

    def __init__(self, root: Path, reserve: int = 0) -> None:
        self._reserve = reserve
        self._root, self._parts, self._objects = root, root / "parts", root / "objects"
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        for folder in (self._parts, self._objects):
            folder.mkdir(parents=True, exist_ok=True)

    def lock(self, file_id: FileId) -> asyncio.Lock:
        """Return the lock of whoever changes, or decides something about, this file."""
        return self._locks.setdefault(file_id, asyncio.Lock())

    def free_bytes(self) -> int:
        """Return the room left on the disk, without what is reserved."""
        return shutil.disk_usage(self._root).free - self._reserve

    def arrived(self, file_id: FileId) -> Arrived:
        """Return how far an upload is, or the whole file; raise NotFound."""
        state = self._stored(file_id).stat()
        return Arrived(state.st_size, state.st_mtime)

    def size(self, file_id: FileId) -> int:
        """Return the bytes of a whole file; raise NotFound."""
        try:
            return self.path_of(file_id).stat().st_size
        except OSError as error:
            raise _translate(error) from error

    async def send(self, file_id: FileId) -> LocalFile:
        """Open the whole file; raise StorageError when it is missing."""
        try:
            return await run_in_thread_to_completion(_open, self.path_of(file_id))
        except NotFound as error:
            raise StorageError("a file on sale is missing", hint="Tell the operator: doctor names it.") from error

    async def verify(self, file_id: FileId, check: Callable[[Iterator[bytes]], None]) -> None:
        """Hand all bytes that arrived to ``check``, once, in a thread; raise what it raises."""
        await run_in_thread_to_completion(lambda: check(_pieces(self._stored(file_id))))

    async def create(self, file_id: FileId) -> None:
        """Begin an upload; what an unknown one left there is dropped.  Hold the lock."""
        await run_in_thread_to_completion(_create, self._part(file_id))

    async def append(self, file_id: FileId, offset: int, pieces: AsyncIterable[bytes], limit: int) -> int:
        """Add ``pieces`` at ``offset``, up to ``limit`` bytes in all; returns the new size, safely on disk.

        Whatever ends the pieces early, what arrived is kept.  Raise UploadOffset, UploadTooLarge, NotFound, and
        DiskFull, before the disk is fuller than allowed or with the part cut back to what was surely written.
        """
        part, end, waiting = self._part(file_id), offset, bytearray()
        await self._locked(file_id, self._write, part, offset, waiting)
        try:
            async for piece in pieces:
                if end + len(waiting) + len(piece) > limit:
                    raise UploadTooLarge(f"more bytes than the {limit} announced")
                waiting += piece
                if len(waiting) >= WRITE_SIZE:
                    full, waiting = waiting, bytearray()
                    end = await self._locked(file_id, self._write, part, end, full)
        finally:
            end = await self._locked(file_id, self._finish, part, offset, end, waiting)
        return end

    async def commit(self, file_id: FileId) -> None:
        """Turn the part into the whole file, durably; again is harmless.  Hold the lock."""
        await run_in_thread_to_completion(_commit, self._part(file_id), self.path_of(file_id))

    async def delete(self, file_id: FileId) -> None:
        """Remove whatever there is of the file.  Hold the lock, and be sure that it is not listed."""
        await run_in_thread_to_completion(_delete, self._part(file_id), self.path_of(file_id))

    def sweep(self, known: Collection[str]) -> int:
        """Remove the parts that no upload in ``known`` explains; returns how many.  At start alone."""
        orphans = [part for part in self._parts.iterdir() if part.name not in known]
        for part in orphans:
            part.unlink()
        return len(orphans)

    def path_of(self, file_id: FileId) -> Path:
        """Return where the whole file lies, or will."""
        return self._objects / parse_file_id(file_id)[:2] / file_id

    def _part(self, file_id: FileId) -> Path:
        """Return where an upload grows."""
        return self._parts / parse_file_id(file_id)

    def _stored(self, file_id: FileId) -> Path:
        """Return what there is of the file: its part, or the whole if that was committed; raise NotFound."""
        for path in (self._part(file_id), self.path_of(file_id)):
            if path.exists():
                return path
        raise NotFound("no such upload")

    def _write(self, part: Path, offset: int, data: bytearray) -> int:
        """:func:`_write`, as long as there is room."""
        if data and self.free_bytes() < len(data):
            raise DiskFull("the disk has no room for more")
        return _write(part, offset, data)

    def _finish(self, part: Path, start: int, end: int, data: bytearray) -> int:
        """Write the last bytes of a request that began at ``start``, and bring all of it to the disk."""
        try:
            return self._write(part, end, data) if data else end
        finally:
            try:
                _sync(part)
            except OSError:
                os.truncate(part, start)
                raise

    async def _locked(self, file_id: FileId, work: Callable[..., T], *args: object) -> T:
        async with self.lock(file_id):
            return await run_in_thread_to_completion(work, *args)


async def run_in_thread_to_completion(work: Callable[..., T], *args: object) -> T:
    """Run ``work`` in a thread to its end: a caller who is cancelled still waits, for threads go on regardless."""
    task = asyncio.create_task(asyncio.to_thread(work, *args))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
    except OSError as error:
        raise _translate(error) from error


def _open(path: Path) -> LocalFile:
    file = path.open("rb")
    return LocalFile(file, os.fstat(file.fileno()).st_size)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        while piece := file.read(READ_SIZE):
            yield piece


def _create(part: Path) -> None:
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    sync_folder(part.parent)


def _write(part: Path, offset: int, data: bytearray) -> int:
    """Write at the end, which must be at ``offset``; all of it or nothing.  Returns the new end."""
    with part.open("r+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        if size != offset:
            raise UploadOffset(f"the upload stands at byte {size}", offset=size)
        left = memoryview(data)
        try:
            while left:
                left = left[file.write(left) :]
        except OSError:
            file.truncate(offset)
            raise
    return offset + len(data)


def _commit(part: Path, target: Path) -> None:
    if part.exists():
        if target.exists():  # on a disk that ignores case, perhaps another file
            raise UploadExists
        _sync(part)
        target.parent.mkdir(exist_ok=True)
        part.rename(target)
    for folder in (target.parent, target.parent.parent, part.parent):
        sync_folder(folder)


def _delete(part: Path, target: Path) -> None:
    part.unlink(missing_ok=True)
    target.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _translate(error: OSError) -> BitcacheError:
    """Return the system's error in our words; never a path."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFull("the disk that holds the files is full")
    if error.errno == errno.ENOENT:
        return NotFound("no such upload")
    return StorageError(f"the disk refused: {os.strerror(error.errno or errno.EIO)}")
