"""A listing's price and description change for new invoices alone; everything else of the manifest stays."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.market import NOW, Market, SealedFile, pays, resign, seal

from bitcache import change_listings, event_log, listings, sellers
from bitcache.change_listings import ListingChange
from bitcache.errors import BelowDust, InvalidManifest, NotFound, PriceTooHigh
from bitcache.identifiers import claim_hash, new_secret, token_hash
from bitcache.listing_errors import PriceChanged
from bitcache.listings import Listing
from bitcache.purchase_requests import PurchaseRequest
from bitcache.verify_listing import check_request


def at_price(file: SealedFile, price_sat: int, **more: object) -> ListingChange:
    """The seller's change of price."""
    signed = resign(file.request, price_sat=price_sat, **more)
    return ListingChange(signed.manifest, signed.signature, signed.meta)


async def change(market: Market, file: SealedFile, wanted: ListingChange, **limits: int) -> Listing:
    """Make it."""
    return await market.store.write(
        lambda conn: change_listings.change(conn, market.seller_id, file.file_id, wanted, NOW, **limits)
    )


async def test_new_invoices_ask_for_the_new_price_and_old_ones_do_not(market: Market) -> None:
    file = await market.listed()
    before = await market.order(file.file_id)
    changed = await change(market, file, at_price(file, 4_000))
    assert (changed.price, changed.file_id) == (4_000, file.file_id)
    after = await market.order(file.file_id)
    assert (before.amount_sat, after.amount_sat) == (2_500, 4_000)
    await market.block(pays(before))
    assert ((await market.look(before.purchase_id)).state, (await market.look(after.purchase_id)).state) == (
        "settled",
        "new",
    )


async def test_who_was_shown_another_price_is_asked_again(market: Market) -> None:
    """Of a purchase that is there already the price does not matter: the same claim gives the same purchase."""
    file, claim = await market.listed(), claim_hash(new_secret())
    asked = PurchaseRequest(file.file_id, claim, price_sat=2_500)
    made, created = await market.issuer().create_one(asked, NOW)
    await change(market, file, at_price(file, 4_000))
    assert await market.issuer().create_one(asked, NOW) == (made, False)
    assert created
    with pytest.raises(PriceChanged) as refused:
        await market.issuer().create_one(replace(asked, claim_hash=claim_hash(new_secret())), NOW)
    assert refused.value.details == {"price_sat": 4_000}


@pytest.mark.parametrize("member", ["sealed_size", "header", "group_root", "share_hash", "preview_hash"])
async def test_the_file_itself_does_not_change(market: Market, member: str) -> None:
    file, other = await market.listed(), seal(b"another file, longer than the first")
    theirs = check_request(other.request)
    with pytest.raises(InvalidManifest):
        await change(market, file, at_price(file, 4_000, **{member: getattr(theirs, member)}))
    with pytest.raises(InvalidManifest):
        await change(market, file, at_price(other, 4_000))
    kept = await market.store.read(lambda conn: listings.get(conn, file.file_id))
    assert kept.price == 2_500


async def test_what_cannot_be_sold_is_refused(market: Market) -> None:
    file = await market.listed()
    for price, error in ((100, BelowDust), (20_000, PriceTooHigh)):
        with pytest.raises(error):
            await change(market, file, at_price(file, price), highest_price_sat=10_000)
    wanted = at_price(file, 4_000)
    with pytest.raises(InvalidManifest):
        await change(market, file, replace(wanted, signature=bytes(64)))
    with pytest.raises(InvalidManifest):
        await change(market, file, replace(wanted, meta=seal(b"x").request.meta))
    bob = await market.store.write(lambda conn: sellers.create_seller(conn, "Bob", token_hash(new_secret()), NOW))
    with pytest.raises(NotFound):
        await market.store.write(lambda conn: change_listings.change(conn, bob, file.file_id, wanted, NOW))


async def test_the_same_change_again_is_no_event(market: Market) -> None:
    file = await market.listed()
    for _ in range(2):
        await change(market, file, at_price(file, 4_000))
    events = await market.store.read(lambda conn: event_log.after(conn, 0))
    assert [event.kind for event in events if event.subject == file.file_id] == ["listing.created", "listing.changed"]
