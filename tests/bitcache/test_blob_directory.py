"""BlobDirectory: bytes on a real disk, also when it is full, slow, or the connection breaks."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.blobs import bytes_of, part_path
from support.market import pieces
from support.small_disk import SIZE, SmallDisk

from bitcache.errors import (
    DiskFull,
    StorageError,
)
from bitcache.identifiers import FileId, new_file_id
from bitcache.storage.blob_directory import WRITE_SIZE, BlobDirectory

LIMIT = 100_000_000


@pytest.fixture
def blobs(tmp_path: Path) -> BlobDirectory:
    return BlobDirectory(tmp_path / "blobs")


async def part(blobs: BlobDirectory) -> FileId:
    file_id = new_file_id()
    await blobs.create(file_id)
    return file_id


async def test_a_full_disk_keeps_what_is_whole_and_the_upload_goes_on_later(small_disk: SmallDisk) -> None:
    """A real full disk: the part holds a true beginning of the file, and resuming completes it."""
    blobs = BlobDirectory(small_disk.folder)
    file_id, data = await part(blobs), secrets.token_bytes(3 * SIZE)
    await blobs.append(file_id, 0, pieces(data[: SIZE // 2]), LIMIT)
    with pytest.raises(DiskFull):
        await blobs.append(file_id, SIZE // 2, pieces(data[SIZE // 2 :]), LIMIT)
    kept = blobs.arrived(file_id).size
    assert kept == SIZE // 2, "a write that failed half way is cut off"
    assert await bytes_of(blobs, file_id) == data[:kept]
    small_disk.free()
    await blobs.append(file_id, kept, pieces(data[kept:]), LIMIT)
    await blobs.commit(file_id)
    assert await bytes_of(blobs, file_id) == data


async def test_other_failures_of_the_disk_are_storage_errors_without_a_path(
    blobs: BlobDirectory, tmp_path: Path
) -> None:
    """A folder where the part should be."""
    file_id = new_file_id()
    part_path(tmp_path / "blobs", file_id).mkdir()
    with pytest.raises(StorageError) as refused:
        await blobs.append(file_id, 0, pieces(b"x"), LIMIT)
    assert not isinstance(refused.value, DiskFull)
    assert str(part_path(tmp_path / "blobs", file_id).parent) not in str(refused.value)


async def test_free_bytes_is_the_room_on_that_disk(small_disk: SmallDisk) -> None:
    """Not that of the disk beside it."""
    if small_disk.folder.is_mount():
        assert 0 < BlobDirectory(small_disk.folder).free_bytes() <= SIZE
    assert BlobDirectory(small_disk.folder.parent).free_bytes() > SIZE


async def test_the_reserve_is_never_written_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by a body of unknown length, nor by several at once; what fitted is kept, and goes on when there is room."""
    blobs = BlobDirectory(tmp_path / "blobs", reserve=1000)
    files, room = [await part(blobs) for _ in range(4)], 6 * WRITE_SIZE

    def usage(_path: Path) -> SimpleNamespace:
        return SimpleNamespace(free=room + 1000 - sum(blobs.arrived(file).size for file in files))

    monkeypatch.setattr(shutil, "disk_usage", usage)

    async def send(file_id: FileId, start: int) -> int:
        return await blobs.append(file_id, start, pieces(*[b"x" * WRITE_SIZE] * 3), LIMIT)

    results = await asyncio.gather(*[send(file, 0) for file in files], return_exceptions=True)
    assert any(isinstance(result, DiskFull) for result in results)
    assert blobs.free_bytes() > -4 * WRITE_SIZE, "as many writes as run at once may have looked before"
    stands, room = blobs.arrived(files[0]).size, 60 * WRITE_SIZE
    assert await send(files[0], stands) == stands + 3 * WRITE_SIZE
