"""What every blob store must do: bytes arrive in pieces, are checked, and are kept for ever."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest
from support.blobs import bytes_of, is_there
from support.market import pieces

from bitcache.blob_store import BlobStore, LocalFile
from bitcache.errors import InvalidIdentifier, NotFound, StorageError, UploadExists, UploadOffset, UploadTooLarge
from bitcache.identifiers import FileId, new_file_id
from bitcache.storage.blob_directory import WRITE_SIZE, BlobDirectory

LIMIT = 100_000_000


@pytest.fixture(params=[BlobDirectory])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    store: BlobStore = request.param(tmp_path / "blobs")
    return store


async def part(blobs: BlobStore) -> FileId:
    file_id = new_file_id()
    await blobs.create(file_id)
    return file_id


async def cut_off(*parts: bytes) -> AsyncIterator[bytes]:
    for piece in parts:
        yield piece
    raise ConnectionResetError("the seller's train entered a tunnel")


async def test_pieces_of_any_size_are_joined(blobs: BlobStore) -> None:
    """Empty, tiny and larger than the write buffer, over two requests."""
    file_id, data = await part(blobs), secrets.token_bytes(3 * WRITE_SIZE + 17)
    cuts = [0, 0, 1, 70_000, 70_001, 2 * WRITE_SIZE + 5, len(data)]
    parts = [data[start:stop] for start, stop in pairwise(cuts)]
    assert await blobs.append(file_id, 0, pieces(*parts[:3]), LIMIT) == 70_000
    assert blobs.arrived(file_id).size == 70_000
    assert await blobs.append(file_id, 70_000, pieces(*parts[3:]), LIMIT) == len(data)
    await blobs.commit(file_id)
    assert await bytes_of(blobs, file_id) == data
    assert (blobs.size(file_id), blobs.arrived(file_id).size) == (len(data), len(data))


async def test_what_arrived_before_the_connection_broke_is_kept(blobs: BlobStore) -> None:
    """Also the bytes that were still waiting for a full write."""
    file_id, data = await part(blobs), secrets.token_bytes(WRITE_SIZE + 1000)
    with pytest.raises(ConnectionResetError):
        await blobs.append(file_id, 0, cut_off(data[:WRITE_SIZE], data[WRITE_SIZE:]), LIMIT)
    assert await bytes_of(blobs, file_id) == data


async def test_what_arrived_before_a_cancelled_request_is_kept(blobs: BlobStore) -> None:
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
    assert await bytes_of(blobs, file_id) == b"arrived"


async def test_bytes_past_the_announced_size_are_refused(blobs: BlobStore) -> None:
    """The part never grows beyond it."""
    file_id = await part(blobs)
    with pytest.raises(UploadTooLarge):
        await blobs.append(file_id, 0, pieces(b"12345", b"678"), 7)
    assert await bytes_of(blobs, file_id) == b"12345"
    assert await blobs.append(file_id, 5, pieces(b"67"), 7) == 7


@pytest.mark.parametrize("offset", [0, 4, 6])
async def test_a_piece_that_does_not_start_at_the_end_is_refused(blobs: BlobStore, offset: int) -> None:
    """Neither overlap nor hole; the error says where the upload stands."""
    file_id = await part(blobs)
    await blobs.append(file_id, 0, pieces(b"12345"), LIMIT)
    for body in (pieces(b"abc"), pieces()):
        with pytest.raises(UploadOffset) as refused:
            await blobs.append(file_id, offset, body, LIMIT)
        assert refused.value.details == {"offset": 5}
    assert await bytes_of(blobs, file_id) == b"12345"


async def test_a_hanging_connection_does_not_block_its_successor(blobs: BlobStore) -> None:
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
    assert await bytes_of(blobs, file_id) == first + b"the rest"


async def test_two_requests_at_one_offset_do_not_mix(blobs: BlobStore) -> None:
    """One wins, the other is told."""
    file_id, bodies = await part(blobs), [bytes([number]) * 3 * WRITE_SIZE for number in range(2)]
    both = [blobs.append(file_id, 0, pieces(body), LIMIT) for body in bodies]
    results = await asyncio.gather(*both, return_exceptions=True)
    assert [type(result) for result in results if not isinstance(result, int)] == [UploadOffset]
    assert await bytes_of(blobs, file_id) in bodies


async def test_commit_is_repeatable_and_an_object_never_changes(blobs: BlobStore) -> None:
    """Again is harmless; another part of the same name cannot replace it."""
    file_id = await part(blobs)
    await blobs.append(file_id, 0, pieces(b"for ever"), LIMIT)
    await blobs.commit(file_id)
    await blobs.commit(file_id)
    await blobs.create(file_id)
    with pytest.raises(UploadExists):
        await blobs.commit(file_id)
    assert blobs.size(file_id) == len(b"for ever")
    sending = await blobs.send(file_id)
    if isinstance(sending, LocalFile):
        with sending.file as file:
            assert file.read() == b"for ever"


async def test_deleted_bytes_are_gone_wherever_they_were(blobs: BlobStore) -> None:
    """A part or a whole; again is harmless; writing on is refused."""
    for committed in (False, True):
        file_id = await part(blobs)
        if committed:
            await blobs.commit(file_id)
        await blobs.delete(file_id)
        await blobs.delete(file_id)
        assert not is_there(blobs, file_id)
        with pytest.raises(NotFound):
            blobs.arrived(file_id)
        with pytest.raises(NotFound):
            await blobs.append(file_id, 0, pieces(b"x"), LIMIT)


async def test_sweep_removes_only_parts_that_nobody_knows(blobs: BlobStore) -> None:
    """Whole files are never swept."""
    known, orphan, whole = [await part(blobs) for _ in range(3)]
    await blobs.commit(whole)
    assert blobs.sweep({known}) == 1
    assert [is_there(blobs, file_id) for file_id in (known, orphan, whole)] == [True, False, True]


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "", ".", "x" * 22 + "/"])
async def test_a_name_that_is_no_file_id_reaches_no_file(blobs: BlobStore, name: str) -> None:
    """The last line of defence, behind the parsers of requests."""
    for attempt in (blobs.arrived, blobs.size):
        with pytest.raises(InvalidIdentifier):
            attempt(FileId(name))


async def test_only_what_is_whole_is_sent(blobs: BlobStore) -> None:
    """As the store says; a file of this machine is open, and stays readable when its name is gone."""
    file_id = await part(blobs)
    await blobs.append(file_id, 0, pieces(b"sealed"), LIMIT)
    with pytest.raises(StorageError):
        await blobs.send(file_id)
    with pytest.raises(NotFound):
        blobs.size(file_id)
    await blobs.commit(file_id)
    sending = await blobs.send(file_id)
    await blobs.delete(file_id)
    if isinstance(sending, LocalFile):
        with sending.file as file:
            assert (file.read(), sending.size) == (b"sealed", 6)


async def test_a_check_sees_every_byte_once_and_its_verdict_is_passed_on(blobs: BlobStore) -> None:
    file_id, data = await part(blobs), secrets.token_bytes(2 * WRITE_SIZE + 3)
    await blobs.append(file_id, 0, pieces(data), LIMIT)
    assert await bytes_of(blobs, file_id) == data

    def refuse(all_pieces: object) -> None:
        raise UploadTooLarge

    with pytest.raises(UploadTooLarge):
        await blobs.verify(file_id, refuse)
