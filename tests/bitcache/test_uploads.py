"""Step 1, upload: whole or not, resumed or forgotten, and always one seller's own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from support.blobs import bytes_of, is_there, is_whole, part_path, whole_path
from support.market import MAX_BYTES, NOW, QUOTA, Market, SealedFile, pieces, seal
from support.small_disk import SmallDisk

from bitcache import sellers, uploads
from bitcache.account_errors import QuotaExceeded
from bitcache.errors import DiskFull, NotFound, NotSealed, UploadExists, UploadOffset, UploadTooLarge
from bitcache.identifiers import FileId, new_file_id, new_secret, token_hash
from bitcache.seller_quotas import SellerQuota, used
from bitcache.storage.blob_directory import BlobDirectory
from bitcache.uploads import Progress


async def begin(market: Market, file: SealedFile, seller_id: int | None = None) -> None:
    seller = seller_id or market.seller_id
    await uploads.begin(market.store, market.blobs, seller, file.file_id, len(file.sealed), MAX_BYTES, NOW, quota=QUOTA)


async def receive(market: Market, file: SealedFile, start: int, stop: int, seller_id: int | None = None) -> int:
    body = pieces(file.sealed[start:stop])
    return await uploads.receive(market.store, market.blobs, seller_id or market.seller_id, file.file_id, start, body)


async def progress(market: Market, file: SealedFile, seller_id: int | None = None) -> Progress:
    return await uploads.offset(market.store, market.blobs, seller_id or market.seller_id, file.file_id)


async def reached(market: Market, file: SealedFile) -> tuple[int, int]:
    """Bytes that arrived, of how many."""
    stands = await progress(market, file)
    return stands.offset, stands.length


async def forget(market: Market, file: SealedFile, seller_id: int | None = None) -> None:
    await uploads.forget(market.store, market.blobs, seller_id or market.seller_id, file.file_id)


async def bob(market: Market) -> int:
    return await market.store.write(lambda conn: sellers.create_seller(conn, "Bob", token_hash(new_secret()), NOW))


async def test_an_upload_cut_off_resumes_where_it_stopped(market: Market) -> None:
    """The connection breaks in the middle; the offset says where to go on; then the file can be listed."""
    file = seal(b"x" * 300_000)
    await begin(market, file)

    async def cut_off() -> AsyncIterator[bytes]:
        yield file.sealed[:100_000]
        raise ConnectionResetError

    body = cut_off()
    with pytest.raises(ConnectionResetError):
        await uploads.receive(market.store, market.blobs, market.seller_id, file.file_id, 0, body)
    assert await reached(market, file) == (100_000, len(file.sealed))
    assert await receive(market, file, 100_000, len(file.sealed)) == len(file.sealed)
    assert (await market.publish(file.request)).file_id == file.file_id


async def announced(market: Market, file_id: FileId, size: int, largest: int) -> None:
    """An upload of this size, where the gateway takes files of at most ``largest`` bytes."""
    await uploads.begin(market.store, market.blobs, market.seller_id, file_id, size, largest, NOW, quota=QUOTA)


async def test_a_file_larger_than_the_gateway_takes_is_refused_before_a_byte_is_sent(market: Market) -> None:
    """The limit itself is allowed."""
    file = seal(b"x" * 1000)
    size = len(file.sealed)
    with pytest.raises(UploadTooLarge) as refused:
        await uploads.begin(
            market.store, market.blobs, market.seller_id, file.file_id, size, size - 1, NOW, quota=QUOTA
        )
    assert refused.value.details == {"max_bytes": size - 1}
    await announced(market, file.file_id, size, size)


@pytest.mark.parametrize("size", [-1, 0, 71, 56 + 16_400, 56 + 16_400 + 15])
async def test_a_size_that_no_sealed_file_has_is_refused(market: Market, size: int) -> None:
    """Nothing of it can ever be listed."""
    with pytest.raises(NotSealed):
        await uploads.begin(
            market.store, market.blobs, market.seller_id, new_file_id(), size, MAX_BYTES, NOW, quota=QUOTA
        )


async def test_more_bytes_than_announced_are_refused(market: Market) -> None:
    """The upload stays as it was announced, and can still be finished."""
    file = seal(b"x" * 1000)
    await begin(market, file)
    body = pieces(file.sealed, b"and more")
    with pytest.raises(UploadTooLarge):
        await uploads.receive(market.store, market.blobs, market.seller_id, file.file_id, 0, body)
    assert await reached(market, file) == (len(file.sealed), len(file.sealed))
    await market.publish(file.request)


async def test_a_piece_at_the_wrong_offset_is_refused(market: Market) -> None:
    """Neither hole nor overlap."""
    file = seal(b"x" * 1000)
    await begin(market, file)
    await receive(market, file, 0, 500)
    for start in (0, 499, 501):
        with pytest.raises(UploadOffset):
            await receive(market, file, start, len(file.sealed))


async def test_two_uploads_to_one_id_are_one_too_many(market: Market) -> None:
    """Whoever announces second is refused, also at the same moment, and what arrived stays."""
    file = seal(b"x" * 1000)
    results = await asyncio.gather(*[begin(market, file) for _ in range(5)], return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [UploadExists] * 4
    await receive(market, file, 0, 500)
    for seller in (market.seller_id, await bob(market)):
        with pytest.raises(UploadExists):
            await begin(market, file, seller)
    assert (await progress(market, file)).offset == 500


async def test_the_id_of_a_listed_file_is_taken(market: Market) -> None:
    """And its upload is over."""
    file = await market.listed()
    with pytest.raises(UploadExists):
        await begin(market, file)
    for attempt in (progress(market, file), receive(market, file, 0, 1), forget(market, file)):
        with pytest.raises(NotFound):
            await attempt
    assert await bytes_of(market.blobs, file.file_id) == file.sealed


async def test_one_seller_cannot_touch_anothers_upload(market: Market) -> None:
    """Not even learn that it is there."""
    file, stranger = seal(b"x" * 1000), await bob(market)
    await begin(market, file)
    for attempt in (
        progress(market, file, stranger),
        receive(market, file, 0, 10, stranger),
        forget(market, file, stranger),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert await reached(market, file) == (0, len(file.sealed))


async def test_a_forgotten_upload_is_gone_and_its_id_free(market: Market) -> None:
    """Also one whose blob was already in place when the gateway crashed."""
    file = seal(b"x" * 1000)
    for committed in (False, True):
        await market.upload(file)
        if committed:
            await market.blobs.commit(file.file_id)
        await forget(market, file)
        assert not is_there(market.blobs, file.file_id)
        with pytest.raises(NotFound):
            await forget(market, file)


async def test_an_upload_larger_than_the_room_is_refused_at_once(market: Market, small_disk: SmallDisk) -> None:
    """Before the seller waits for it."""
    blobs = BlobDirectory(small_disk.folder)
    size = 1 << 50
    with pytest.raises(DiskFull):
        await uploads.begin(market.store, blobs, market.seller_id, new_file_id(), size, 1 << 51, NOW, quota=QUOTA)


async def test_a_full_disk_stops_an_upload_and_loses_nothing(market: Market, small_disk: SmallDisk) -> None:
    """Free some space, ask where it stands, go on, list."""
    market.blobs = BlobDirectory(small_disk.folder)
    file = seal(b"x" * (900_000 if small_disk.folder.is_mount() else 3_000_000))
    await begin(market, file)
    (small_disk.folder / "ballast").write_bytes(b"x" * 500_000)
    with pytest.raises(DiskFull):
        await receive(market, file, 0, len(file.sealed))
    stands = (await progress(market, file)).offset
    small_disk.free()
    await receive(market, file, stands, len(file.sealed))
    await market.publish(file.request)
    assert await bytes_of(market.blobs, file.file_id) == file.sealed


async def test_room_that_other_uploads_will_need_is_taken(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what was announced, what has arrived lies on the disk already; what is given up is free again."""
    file, size = seal(b"x" * 1000), len(seal(b"x" * 1000).sealed)
    monkeypatch.setattr(market.blobs, "free_bytes", lambda: 2 * size - 1)
    await begin(market, file)
    with pytest.raises(DiskFull) as refused:
        await begin(market, seal(b"x" * 1000))
    assert "begun" in refused.value.advice
    await receive(market, file, 0, 1)
    another = seal(b"x" * 1000)
    await begin(market, another)
    await forget(market, another)
    await begin(market, seal(b"x" * 1000))


async def test_a_seller_keeps_so_much_and_no_more(market: Market) -> None:
    """What is on sale counts as what is being uploaded does; each seller alone; said before the first byte."""
    listed, waiting, more = seal(b"x" * 100), seal(b"y" * 100), seal(b"z" * 100)
    size = len(more.sealed)

    async def announce(quota: SellerQuota, seller: int) -> None:
        await uploads.begin(market.store, market.blobs, seller, more.file_id, size, MAX_BYTES, NOW, quota=quota)

    await market.upload(listed)
    await market.publish(listed.request)
    await begin(market, waiting)
    for quota in (replace(QUOTA, bytes=3 * size - 1), replace(QUOTA, listings=2)):
        with pytest.raises(QuotaExceeded):
            await announce(quota, market.seller_id)
        assert not is_there(market.blobs, more.file_id)
    assert await market.store.read(lambda conn: used(conn, market.seller_id)) == SellerQuota(2 * size, 1, 1)
    exact = SellerQuota(bytes=3 * size, listings=3, uploads=2)
    await announce(exact, market.seller_id)
    await forget(market, more)
    await announce(SellerQuota(size, 1, 1), await bob(market))


async def test_a_seller_has_so_many_uploads_at_once(market: Market) -> None:
    """Counted when all announce together, and for each seller alone; what is refused leaves nothing on the disk."""
    some = [seal(b"x") for _ in range(6)]

    async def announce(file: SealedFile, seller: int) -> None:
        begun = (market.store, market.blobs, seller, file.file_id, len(file.sealed), MAX_BYTES, NOW)
        await uploads.begin(*begun, quota=replace(QUOTA, uploads=2))

    results = await asyncio.gather(*[announce(file, market.seller_id) for file in some[:5]], return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["NoneType"] * 2 + ["TooManyUploads"] * 3
    assert [not is_there(market.blobs, file.file_id) for file in some[:5]].count(True) == 3
    await announce(some[5], await bob(market))
    [first, _] = [file for file, result in zip(some[:5], results, strict=True) if result is None]
    await forget(market, first)
    await announce(first, market.seller_id)


async def test_an_upload_that_nobody_goes_on_with_is_forgotten(market: Market) -> None:
    """What grew since stays, and so does what is listed, however old its bytes are."""
    old, growing, listed = seal(b"x" * 1000), seal(b"y" * 1000), await market.listed()
    for file in (old, growing):
        await begin(market, file)
        await receive(market, file, 0, 500)
        os.utime(part_path(market.folder, file.file_id), (NOW, NOW))
    os.utime(whole_path(market.folder, listed.file_id), (NOW, NOW))
    assert await uploads.expire(market.store, market.blobs, NOW) == []
    os.utime(part_path(market.folder, growing.file_id), (NOW + 1, NOW + 1))
    assert await uploads.expire(market.store, market.blobs, NOW + 1) == [old.file_id]
    assert not is_there(market.blobs, old.file_id)
    with pytest.raises(NotFound):
        await progress(market, old)
    assert (await progress(market, growing)).offset == 500
    assert await bytes_of(market.blobs, listed.file_id) == listed.sealed


async def test_what_is_being_decided_is_not_cleared_away(market: Market) -> None:
    """Who lists a file at the same moment holds its lock."""
    file = seal(b"x" * 1000)
    await market.upload(file)
    os.utime(part_path(market.folder, file.file_id), (NOW, NOW))
    async with market.blobs.lock(file.file_id):
        clearing = asyncio.create_task(uploads.expire(market.store, market.blobs, NOW + 1))
        listing = asyncio.create_task(market.publish(file.request))
        await asyncio.sleep(0.05)
        assert not clearing.done()
        clearing.cancel()
    await listing
    assert await uploads.expire(market.store, market.blobs, NOW + 1) == []
    assert is_whole(market.blobs, file.file_id)


async def test_the_sweep_at_start_clears_up_after_a_crash(market: Market) -> None:
    """A part without a row, a row without bytes; whole uploads and listed files stay."""
    file, listed, empty = seal(b"x" * 1000), await market.listed(), seal(b"y")
    await begin(market, file)
    await receive(market, file, 0, 500)
    await begin(market, empty)
    await market.blobs.delete(empty.file_id)
    orphan = new_file_id()
    await market.blobs.create(orphan)
    assert await uploads.sweep(market.store, market.blobs) == 2
    assert not is_there(market.blobs, orphan)
    assert (await progress(market, file)).offset == 500
    assert is_whole(market.blobs, listed.file_id)
    await begin(market, empty)


async def test_a_part_left_by_a_crash_does_not_prevent_a_new_beginning(market: Market) -> None:
    """The part was made, then the power failed before the row."""
    file = seal(b"x" * 1000)
    await market.blobs.create(file.file_id)
    await market.blobs.append(file.file_id, 0, pieces(b"old"), 100)
    await begin(market, file)
    assert (await progress(market, file)).offset == 0
