"""A file is sold until a time, and so many times: nobody new buys it then, and open invoices can still be paid."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.market import NOW, Market, pays, seal

from bitcache import listing_states, listings, sellers
from bitcache.errors import NotFound, SalesPaused
from bitcache.identifiers import FileId, new_secret, token_hash
from bitcache.listing_errors import InvalidLimit, ListingWithdrawn
from bitcache.listing_limits import LONGEST, Limits
from bitcache.listing_states import ListingState


async def limit(market: Market, file_id: FileId, now: int = NOW, seller: int = 0, **wanted: int | None) -> None:
    """Ask for it as the market's seller, or another."""
    who = seller or market.seller_id
    await market.store.write(lambda conn: listing_states.limit(conn, who, file_id, wanted, now))


async def why(market: Market, file_id: FileId, now: int = NOW) -> str | None:
    """What buyers are told."""
    return await market.store.read(lambda conn: listings.why_not_sold(conn, listings.get(conn, file_id), now))


async def own(market: Market, file_id: FileId) -> listings.Listing:
    """As its seller sees it."""
    return await market.store.read(lambda conn: listings.own(conn, market.seller_id, file_id))


async def test_from_the_end_on_there_are_no_new_invoices(market: Market) -> None:
    file = await market.listed()
    before = await market.order(file.file_id)
    await limit(market, file.file_id, sell_until=NOW + 100)
    assert (await why(market, file.file_id, NOW + 99), await why(market, file.file_id, NOW + 100)) == (
        None,
        "sale_over",
    )
    assert (await market.order(file.file_id, now=NOW + 99)).state == "new"
    with pytest.raises(SalesPaused) as refused:
        await market.order(file.file_id, now=NOW + 100)
    assert refused.value.details == {"reason": "sale_over"}
    await market.block(pays(before), now=NOW + 200)
    assert (await market.look(before.purchase_id)).released
    await limit(market, file.file_id, NOW + 200, sell_until=None)
    assert (await market.order(file.file_id, now=NOW + 200)).state == "new"


async def test_it_is_sold_out_when_so_many_are_paid(market: Market) -> None:
    """Confirmed or not; invoices that were open then may oversell it."""
    file, other = await market.listed(), await market.listed(b"another file")
    await limit(market, file.file_id, most_sales=2)
    first, second, third = [await market.order(file.file_id) for _ in range(3)]
    await market.block(pays(first))
    listing = await own(market, file.file_id)
    assert (listing.paid, listing.limits.left(listing.paid), await why(market, file.file_id)) == (1, 1, None)
    await market.block(pays(second, "second:0"))
    assert (await why(market, file.file_id), await why(market, other.file_id)) == ("sold_out", None)
    with pytest.raises(SalesPaused) as refused:
        await market.order(file.file_id)
    assert refused.value.details == {"reason": "sold_out"}
    await market.block(pays(third, "third:0"))
    assert (await market.look(third.purchase_id)).released
    listing = await own(market, file.file_id)
    assert (listing.paid, listing.limits.left(listing.paid)) == (3, 0)
    await limit(market, file.file_id, most_sales=4)
    assert await why(market, file.file_id) is None


async def test_a_payment_that_is_undone_makes_room_for_another(market: Market) -> None:
    file = await market.listed()
    await limit(market, file.file_id, most_sales=1)
    order = await market.order(file.file_id)
    block = await market.block(pays(order))
    assert await why(market, file.file_id) == "sold_out"
    await market.undo(block)
    await market.unconfirmed()
    await market.block(name="another block")
    assert await why(market, file.file_id) is None


async def test_what_cannot_be_a_limit_is_refused(market: Market) -> None:
    file = await market.listed()
    for wrong in ({"sell_until": NOW}, {"sell_until": NOW + LONGEST + 1}, {"most_sales": 0}, {"most_sales": 1_000_001}):
        with pytest.raises(InvalidLimit):
            await limit(market, file.file_id, **wrong)
    await limit(market, file.file_id, sell_until=NOW + 1, most_sales=1)
    await limit(market, file.file_id, NOW + 9, sell_until=NOW + 1, most_sales=5)  # what is set already is not wrong
    assert (await own(market, file.file_id)).limits == Limits(NOW + 1, 5)
    await market.store.write(
        lambda conn: listing_states.set_state(conn, market.seller_id, file.file_id, ListingState.WITHDRAWN, NOW)
    )
    with pytest.raises(ListingWithdrawn):
        await limit(market, file.file_id, most_sales=7)


async def test_only_ones_own(market: Market) -> None:
    file = await market.listed()
    bob = await market.store.write(lambda conn: sellers.create_seller(conn, "Bob", token_hash(new_secret()), NOW))
    with pytest.raises(NotFound):
        await limit(market, file.file_id, seller=bob, most_sales=1)
    assert (await own(market, file.file_id)).limits == Limits()


async def test_what_is_withdrawn_or_paused_says_so_first(market: Market) -> None:
    file = await market.listed()
    await limit(market, file.file_id, sell_until=NOW + 1)
    await market.store.write(
        lambda conn: listing_states.set_state(conn, market.seller_id, file.file_id, ListingState.PAUSED, NOW)
    )
    assert await why(market, file.file_id, NOW + 5) == "paused"


async def test_a_file_is_limited_from_its_first_moment(market: Market) -> None:
    """What cannot be set puts nothing on sale; the same request again, or a later one, changes no limits."""
    file = seal(b"a limited edition")
    await market.upload(file)
    with pytest.raises(InvalidLimit):
        await market.publish(replace(file.request, limits=Limits(NOW, 3)))
    with pytest.raises(NotFound):
        await own(market, file.file_id)
    made = await market.publish(replace(file.request, limits=Limits(NOW + 9, 3)))
    assert made.limits == Limits(NOW + 9, 3)
    assert (await market.publish(file.request)).limits == Limits(NOW + 9, 3)
