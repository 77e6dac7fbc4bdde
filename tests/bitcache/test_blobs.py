"""Blobs: bytes on a real disk, also when it is full, slow, or the connection breaks."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.market import pieces
from support.small_disk import SIZE, SmallDisk

from bitcache.errors import (
    DiskFull,
    InvalidIdentifier,
    NotFound,
    StorageError,
    UploadExists,
    UploadOffset,
    UploadTooLarge,
)
from bitcache.identifiers import FileId, new_file_id
from bitcache.storage.blobs import WRITE_SIZE, Blobs

LIMIT = 100_000_000


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


async def part(blobs: Blobs) -> FileId:
    file_id = new_file_id()
    await blobs.create_part(file_id)
    return file_id


async def cut_off(*parts: bytes) -> AsyncIterator[bytes]:
    for piece in parts:
        yield piece
    raise ConnectionResetError("the seller's train entered a tunnel")


async def test_pieces_of_any_size_are_joined(blobs: Blobs) -> None:
    """Empty, tiny and larger than the write buffer, over two requests."""
    file_id, data = await part(blobs), secrets.token_bytes(3 * WRITE_SIZE + 17)
    cuts = [0, 0, 1, 70_000, 70_001, 2 * WRITE_SIZE + 5, len(data)]
    parts = [data[start:stop] for start, stop in pairwise(cuts)]
    assert await blobs.append(file_id, 0, pieces(*parts[:3]), LIMIT) == 70_000
    assert blobs.part_size(file_id) == 70_000
    assert await blobs.append(file_id, 70_000, pieces(*parts[3:]), LIMIT) == len(data)
    await blobs.commit(file_id)
    assert blobs.path(file_id).read_bytes() == data
    assert not blobs.part(file_id).exists()


async def test_what_arrived_before_the_connection_broke_is_kept(blobs: Blobs) -> None:
    """Also the bytes that were still waiting for a full write."""
    file_id, data = await part(blobs), secrets.token_bytes(WRITE_SIZE + 1000)
    with pytest.raises(ConnectionResetError):
        await blobs.append(file_id, 0, cut_off(data[:WRITE_SIZE], data[WRITE_SIZE:]), LIMIT)
    assert blobs.part(file_id).read_bytes() == data


async def test_what_arrived_before_a_cancelled_request_is_kept(blobs: Blobs) -> None:
    """The server stops while a body arrives."""
    file_id, sent = await part(blobs), asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield b"arrived"
        sent.set()
        await asyncio.Event().wait()

    request = asyncio.create_task(blobs.append(file_id, 0, endless(), LIMIT))
    await sent.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert blobs.part(file_id).read_bytes() == b"arrived"


async def test_bytes_past_the_announced_size_are_refused(blobs: Blobs) -> None:
    """The part never grows beyond it."""
    file_id = await part(blobs)
    with pytest.raises(UploadTooLarge):
        await blobs.append(file_id, 0, pieces(b"12345", b"678"), 7)
    assert blobs.part(file_id).read_bytes() == b"12345"
    assert await blobs.append(file_id, 5, pieces(b"67"), 7) == 7


@pytest.mark.parametrize("offset", [0, 4, 6])
async def test_a_piece_that_does_not_start_at_the_end_is_refused(blobs: Blobs, offset: int) -> None:
    """Neither overlap nor hole; the error says where the upload stands."""
    file_id = await part(blobs)
    await blobs.append(file_id, 0, pieces(b"12345"), LIMIT)
    for body in (pieces(b"abc"), pieces()):
        with pytest.raises(UploadOffset) as refused:
            await blobs.append(file_id, offset, body, LIMIT)
        assert refused.value.details == {"offset": 5}
    assert blobs.part(file_id).read_bytes() == b"12345"


async def test_a_hanging_connection_does_not_block_its_successor(blobs: Blobs) -> None:
    """The seller's network changed: the old connection hangs, the new one goes on, the old one can do no harm."""
    file_id, started, go_on = await part(blobs), asyncio.Event(), asyncio.Event()
    first = secrets.token_bytes(WRITE_SIZE)

    async def hanging() -> AsyncIterator[bytes]:
        yield first
        started.set()
        await go_on.wait()
        yield b"late and wrong"

    old = asyncio.create_task(blobs.append(file_id, 0, hanging(), LIMIT))
    await started.wait()
    assert await blobs.append(file_id, WRITE_SIZE, pieces(b"the rest"), LIMIT) == WRITE_SIZE + 8
    go_on.set()
    with pytest.raises(UploadOffset):
        await old
    assert blobs.part(file_id).read_bytes() == first + b"the rest"


async def test_two_requests_at_one_offset_do_not_mix(blobs: Blobs) -> None:
    """One wins, the other is told."""
    file_id, bodies = await part(blobs), [bytes([number]) * 3 * WRITE_SIZE for number in range(2)]
    both = [blobs.append(file_id, 0, pieces(body), LIMIT) for body in bodies]
    results = await asyncio.gather(*both, return_exceptions=True)
    assert [type(result) for result in results if not isinstance(result, int)] == [UploadOffset]
    assert blobs.part(file_id).read_bytes() in bodies


async def test_a_full_disk_keeps_what_is_whole_and_the_upload_goes_on_later(small_disk: SmallDisk) -> None:
    """A real full disk: the part holds a true beginning of the file, and resuming completes it."""
    blobs = Blobs(small_disk.folder)
    file_id, data = await part(blobs), secrets.token_bytes(3 * SIZE)
    await blobs.append(file_id, 0, pieces(data[: SIZE // 2]), LIMIT)
    with pytest.raises(DiskFull):
        await blobs.append(file_id, SIZE // 2, pieces(data[SIZE // 2 :]), LIMIT)
    kept = blobs.part_size(file_id)
    assert kept == SIZE // 2, "a write that failed half way is cut off"
    assert blobs.part(file_id).read_bytes() == data[:kept]
    small_disk.free()
    await blobs.append(file_id, kept, pieces(data[kept:]), LIMIT)
    await blobs.commit(file_id)
    assert blobs.path(file_id).read_bytes() == data


async def test_commit_is_repeatable_and_an_object_never_changes(blobs: Blobs) -> None:
    """Again is harmless; another part of the same name cannot replace it."""
    file_id = await part(blobs)
    await blobs.append(file_id, 0, pieces(b"for ever"), LIMIT)
    await blobs.commit(file_id)
    await blobs.commit(file_id)
    await blobs.create_part(file_id)
    with pytest.raises(UploadExists):
        await blobs.commit(file_id)
    assert blobs.path(file_id).read_bytes() == b"for ever"


async def test_deleted_bytes_are_gone_wherever_they_were(blobs: Blobs) -> None:
    """A part or a whole; again is harmless; writing on is refused."""
    for committed in (False, True):
        file_id = await part(blobs)
        if committed:
            await blobs.commit(file_id)
        await blobs.delete(file_id)
        await blobs.delete(file_id)
        assert blobs.stored(file_id) is None
        with pytest.raises(NotFound):
            blobs.part_size(file_id)
        with pytest.raises(NotFound):
            await blobs.append(file_id, 0, pieces(b"x"), LIMIT)


async def test_sweep_removes_only_parts_that_nobody_knows(blobs: Blobs) -> None:
    """Whole files are never swept."""
    known, orphan, whole = [await part(blobs) for _ in range(3)]
    await blobs.commit(whole)
    assert blobs.sweep({known}) == 1
    assert [blobs.stored(one) is not None for one in (known, orphan, whole)] == [True, False, True]


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "", ".", "x" * 22 + "/"])
async def test_a_name_that_is_no_file_id_reaches_no_file(blobs: Blobs, name: str) -> None:
    """The last line of defence, behind the parsers of requests."""
    for attempt in (blobs.path, blobs.part, blobs.stored, blobs.part_size):
        with pytest.raises(InvalidIdentifier):
            attempt(FileId(name))


async def test_other_failures_of_the_disk_are_storage_errors_without_a_path(blobs: Blobs) -> None:
    """A folder where the part should be."""
    file_id = new_file_id()
    blobs.part(file_id).mkdir()
    with pytest.raises(StorageError) as refused:
        await blobs.append(file_id, 0, pieces(b"x"), LIMIT)
    assert not isinstance(refused.value, DiskFull)
    assert str(blobs.part(file_id).parent) not in str(refused.value)


async def test_free_bytes_is_the_room_on_that_disk(small_disk: SmallDisk) -> None:
    """Not that of the disk beside it."""
    if small_disk.folder.is_mount():
        assert 0 < Blobs(small_disk.folder).free_bytes() <= SIZE
    assert Blobs(small_disk.folder.parent).free_bytes() > SIZE


async def test_the_reserve_is_never_written_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by a body of unknown length, nor by several at once; what fitted is kept, and goes on when there is room."""
    blobs = Blobs(tmp_path / "blobs", reserve=1000)
    files, room = [await part(blobs) for _ in range(4)], 6 * WRITE_SIZE

    def usage(_path: Path) -> SimpleNamespace:
        return SimpleNamespace(free=room + 1000 - sum(blobs.part_size(one) for one in files))

    monkeypatch.setattr(shutil, "disk_usage", usage)

    async def send(file_id: FileId, start: int) -> int:
        return await blobs.append(file_id, start, pieces(*[b"x" * WRITE_SIZE] * 3), LIMIT)

    results = await asyncio.gather(*[send(one, 0) for one in files], return_exceptions=True)
    assert any(isinstance(one, DiskFull) for one in results)
    assert blobs.free_bytes() > -4 * WRITE_SIZE, "as many writes as run at once may have looked before"
    stands, room = blobs.part_size(files[0]), 60 * WRITE_SIZE
    assert await send(files[0], stands) == stands + 3 * WRITE_SIZE
