"""Step 2, listing: nothing is for sale that was not checked, and a crash leaves nothing half done."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.blobs import bytes_of, is_whole
from support.market import NOW, QUOTA, TERMS, Market, SealedFile, pays, pieces, resign, seal

from bitcache import listings, sellers, uploads
from bitcache.errors import (
    BelowDust,
    DatabaseBusy,
    InvalidAmount,
    InvalidManifest,
    NotFound,
    SalesPaused,
    UploadCorrupt,
    UploadExists,
    UploadIncomplete,
)
from bitcache.identifiers import new_file_id, new_secret, token_hash
from bitcache.listings import ListingRequest
from bitcache.money import Sat
from bitcache.sealing import container, manifest
from bitcache.sealing.metadata import MAX_METADATA, MAX_PREVIEW
from bitcache.storage import database as store_module
from bitcache.verify_listing import check_request

Request = ListingRequest


@pytest.fixture
async def file(market: Market) -> SealedFile:
    """Uploaded, not listed; more than two groups of chunks."""
    sealed = seal(bytes(range(256)) * 9_000)
    await market.upload(sealed)
    return sealed


async def nothing_happened(market: Market, file: SealedFile) -> None:
    """Not visible, the upload still there, and the honest request still works."""
    with pytest.raises(NotFound):
        await market.store.read(lambda conn: listings.get(conn, file.file_id))
    assert not is_whole(market.blobs, file.file_id)
    await market.publish(file.request)


async def test_a_listing_shows_what_buyers_need_and_hides_the_share(market: Market, file: SealedFile) -> None:
    """The offer carries the exact bytes of the request; the share is wrapped; logs see none of it."""
    listing = await market.publish(file.request)
    offer = await market.store.read(lambda conn: listings.get(conn, file.file_id))
    wanted, share = file.request, file.request.share
    assert (listing.price, listing.sealed_size, listing.created_at) == (2_500, len(file.sealed), NOW)
    assert (offer.manifest, offer.signature, offer.groups) == (wanted.manifest, wanted.signature, wanted.groups)
    assert (offer.meta, offer.preview, offer.seller_id) == (wanted.meta, wanted.preview, market.seller_id)
    assert await bytes_of(market.blobs, file.file_id) == file.sealed
    assert repr(share) not in repr(file.request)


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


WRONG: dict[str, Callable[[Request], Request]] = {
    "signature": lambda request: replace(request, signature=flipped(request.signature)),
    "signature too short": lambda request: replace(request, signature=b""),
    "text not the signed": lambda request: replace(request, manifest=request.manifest + " "),
    "no JSON": lambda request: replace(request, manifest="{"),
    "group hash": lambda request: replace(request, groups=flipped(request.groups)),
    "group hashes too few": lambda request: replace(request, groups=request.groups[:32]),
    "group hashes none": lambda request: replace(request, groups=b""),
    "group hashes too many": lambda request: replace(request, groups=request.groups + bytes(32)),
    "share": lambda request: replace(request, share=bytes(32)),
    "share too short": lambda request: replace(request, share=request.share[:31]),
    "metadata": lambda request: replace(request, meta=flipped(request.meta)),
    "metadata not sealed": lambda request: resign(replace(request, meta=b"x"), meta_hash=manifest.digest(b"x")),
    "preview": lambda request: replace(request, preview=flipped(request.preview or b"")),
    "preview left out": lambda request: replace(request, preview=None),
    "preview not announced": lambda request: resign(request, preview_hash=None),
    "size": lambda request: resign(
        replace(request, groups=request.groups), sealed_size=manifest.parse(request.manifest).sealed_size - 1
    ),
}


@pytest.mark.parametrize("what", WRONG)
async def test_a_request_that_does_not_fit_together_is_refused(market: Market, file: SealedFile, what: str) -> None:
    """One thing wrong at a time; nothing is listed and nothing is lost."""
    with pytest.raises(InvalidManifest):
        await market.publish(WRONG[what](file.request))
    await nothing_happened(market, file)


@pytest.mark.parametrize(("part", "largest"), [("meta", MAX_METADATA), ("preview", MAX_PREVIEW + 32)])
async def test_metadata_and_preview_have_a_largest_size(
    market: Market, file: SealedFile, part: str, largest: int
) -> None:
    """To the byte, although the gateway cannot open them."""
    for size, fits in ((largest, True), (largest + 1, False)):
        sealed = bytes(container.sealed_size(size))
        changed = replace(file.request, **{part: sealed})  # type: ignore[arg-type]
        request = resign(changed, **{f"{part}_hash": manifest.digest(sealed)})
        if fits:
            assert check_request(request)
        else:
            with pytest.raises(InvalidManifest, match="too large"):
                await market.publish(request)


@pytest.mark.parametrize("where", [0, 55, 56, 1_100_000, -1])
async def test_stored_bytes_that_are_not_the_sealed_ones_are_refused(market: Market, where: int) -> None:
    """In the header, in the first, a middle and the last group; after uploading again, it is listed."""
    file = seal(b"x" * 2_500_000)
    damaged = bytearray(file.sealed)
    damaged[where] ^= 1
    await market.upload(replace(file, sealed=bytes(damaged)))
    with pytest.raises(UploadCorrupt):
        await market.publish(file.request)
    await uploads.forget(market.store, market.blobs, market.seller_id, file.file_id)
    await market.upload(file)
    await nothing_happened(market, file)


async def test_an_upload_that_is_not_whole_is_not_listed(market: Market) -> None:
    """It says so, and can be finished."""
    file = seal(b"x" * 1000)
    begun = (market.store, market.blobs, market.seller_id, file.file_id)
    await uploads.begin(*begun, len(file.sealed), 1 << 40, NOW, quota=QUOTA)
    await uploads.receive(*begun, 0, pieces(file.sealed[:-1]))
    with pytest.raises(UploadIncomplete):
        await market.publish(file.request)
    await uploads.receive(*begun, len(file.sealed) - 1, pieces(file.sealed[-1:]))
    await nothing_happened(market, file)


async def test_only_ones_own_upload_can_be_listed(market: Market, file: SealedFile) -> None:
    """Neither another's, nor one that is not there."""
    bob = await market.store.write(lambda conn: sellers.create_seller(conn, "Bob", token_hash(new_secret()), NOW))
    await market.store.write(lambda conn: sellers.set_payout(conn, bob, "paper", TERMS, NOW))
    with pytest.raises(NotFound):
        await listings.publish(market.store, market.blobs, market.master_key, bob, file.request, NOW)
    with pytest.raises(NotFound):
        await market.publish(seal(b"never uploaded").request)
    await nothing_happened(market, file)


@pytest.mark.parametrize(("price", "error"), [(293, BelowDust), (1, BelowDust), (294, None), (21 * 10**14, None)])
async def test_a_price_must_be_payable(market: Market, price: int, error: type[BelowDust] | None) -> None:
    """The payout's minimum counts: 294 sat for its kind of address."""
    file = seal(b"x", price)
    await market.upload(file)
    if error is None:
        assert (await market.publish(file.request)).price == price
        return
    with pytest.raises(error) as refused:
        await market.publish(file.request)
    assert refused.value.details == {"dust_sat": 294}


def test_prices_outside_all_money_have_no_manifest() -> None:
    """Zero, negative and above 21 million BTC are refused before anything is looked up."""
    for price in (0, -1, 21 * 10**14 + 1):
        with pytest.raises((InvalidManifest, InvalidAmount)):
            check_request(seal(b"x", price).request)


async def test_who_cannot_be_paid_cannot_sell(market: Market) -> None:
    """Unless told so: a listing may wait for its payout, and the network's lowest dust limit holds."""
    bob = await market.store.write(lambda conn: sellers.create_seller(conn, "Bob", token_hash(new_secret()), NOW))
    poor = replace(market, seller_id=bob, token="")
    file, cheap = seal(b"x"), seal(b"x", 293)
    for listed_file in (file, cheap):
        await poor.upload(listed_file)
    with pytest.raises(SalesPaused) as refused:
        await poor.publish(file.request)
    assert refused.value.details == {"reason": "no_payout"}
    await poor.publish(file.request, payout_required=False)
    with pytest.raises(BelowDust):
        await poor.publish(cheap.request, payout_required=False)


async def test_the_same_request_again_is_the_same_listing(market: Market, file: SealedFile) -> None:
    """One after another and at once: the answer got lost, so the client asks again."""
    first = await market.publish(file.request)
    again = await asyncio.gather(*[market.publish(file.request) for _ in range(5)])
    assert again == [first] * 5


async def test_another_request_for_a_listed_file_is_refused(market: Market, file: SealedFile) -> None:
    """A listing never changes its price: the link would then show another sale."""
    await market.publish(file.request)
    with pytest.raises(UploadExists):
        await market.publish(resign(file.request, price_sat=9_999))
    offer = await market.store.read(lambda conn: listings.get(conn, file.file_id))
    assert offer.price == 2_500


async def test_a_crash_between_blob_and_row_is_repaired_by_asking_again(
    market: Market, file: SealedFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The blob is in place, then the database is held by another process: nothing is visible; later it works."""
    other = sqlite3.connect(tmp_path / "bitcache.sqlite", isolation_level=None)
    monkeypatch.setattr(store_module, "BUSY_TIMEOUT_MS", 50)
    await market.store.close()
    market.store = await store_module.Store.open(tmp_path / "bitcache.sqlite")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseBusy):
        await market.publish(file.request)
    other.execute("ROLLBACK")
    other.close()
    assert is_whole(market.blobs, file.file_id)
    with pytest.raises(NotFound):
        await market.store.read(lambda conn: listings.get(conn, file.file_id))
    stands = await uploads.offset(market.store, market.blobs, market.seller_id, file.file_id)
    assert stands.offset == stands.length
    assert (await market.publish(file.request)).file_id == file.file_id
    await market.store.close()


async def test_listing_and_forgetting_at_once_leave_all_or_nothing(market: Market) -> None:
    """Whoever comes first wins, and no listing ever lacks its bytes."""
    for _ in range(10):
        file = seal(b"x" * 1000)
        await market.upload(file)
        forgetting = uploads.forget(market.store, market.blobs, market.seller_id, file.file_id)
        await asyncio.gather(market.publish(file.request), forgetting, return_exceptions=True)
        rows = await market.store.read(
            lambda conn: [listing.file_id for listing, _ in listings.of_seller(conn, market.seller_id)]
        )
        assert (file.file_id in rows) == is_whole(market.blobs, file.file_id)


async def test_a_seller_sees_what_each_listing_earned(market: Market) -> None:
    """Newest first; settled, pending and satoshis per listing; nothing of other sellers."""
    sold, quiet = await market.listed(price_sat=1_000), seal(b"quiet")
    await market.upload(quiet)
    await listings.publish(market.store, market.blobs, market.master_key, market.seller_id, quiet.request, NOW + 1)
    orders = [await market.order(sold.file_id) for _ in range(5)]
    await market.block(pays(orders[0], "a:0"), pays(orders[1], "b:0", 1_200), pays(orders[2], "c:0", 400))
    await market.unconfirmed(pays(orders[3], "d:0"))
    rows = await market.store.read(lambda conn: listings.of_seller(conn, market.seller_id))
    assert [(listing.file_id, sales.settled, sales.pending, sales.received_sat) for listing, sales in rows] == [
        (quiet.file_id, 0, 0, Sat(0)),
        (sold.file_id, 2, 1, Sat(2_200)),
    ]
    assert await market.store.read(lambda conn: listings.of_seller(conn, market.seller_id + 1)) == []


async def test_an_unknown_file_is_not_found(market: Market) -> None:
    """Nothing here, nothing there."""
    with pytest.raises(NotFound):
        await market.store.read(lambda conn: listings.get(conn, new_file_id()))
