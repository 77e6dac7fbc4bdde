"""A file is paused, withdrawn for good, deleted: nobody new can buy it, and who did has the time that was promised."""

from __future__ import annotations

import pytest
from support.market import NOW, Market, pays

from bitcache import listing_states, listings, sellers
from bitcache.errors import NotFound, SalesPaused
from bitcache.identifiers import FileId, new_secret, token_hash
from bitcache.listing_errors import ListingWithdrawn
from bitcache.listing_states import ListingState
from bitcache.seller_quotas import used

KEEP = 1_000


async def set_state(market: Market, file_id: FileId, state: str, seller_id: int | None = None) -> None:
    """Ask for it as the market's seller, or another."""
    who = seller_id or market.seller_id
    await market.store.write(lambda conn: listing_states.set_state(conn, who, file_id, ListingState(state), NOW))


async def delete(market: Market, file_id: FileId, now: int = NOW) -> None:
    """Ask for it as the market's seller."""
    await market.store.write(lambda conn: listing_states.delete(conn, market.seller_id, file_id, now, KEEP))


async def due(market: Market, now: int) -> list[FileId]:
    """Whose bytes may go."""
    return await market.store.read(lambda conn: listing_states.due_for_removal(conn, now, KEEP))


async def test_what_is_paused_goes_on_later(market: Market) -> None:
    file = await market.listed()
    before = await market.order(file.file_id)
    await set_state(market, file.file_id, "paused")
    with pytest.raises(SalesPaused) as refused:
        await market.order(file.file_id)
    assert refused.value.details == {"reason": "paused"}
    await market.block(pays(before))
    assert (await market.look(before.purchase_id)).released
    await set_state(market, file.file_id, "on_sale")
    assert (await market.order(file.file_id)).state == "new"


async def test_what_is_withdrawn_stays_so(market: Market) -> None:
    """Who has an invoice may still pay it."""
    file = await market.listed()
    before = await market.order(file.file_id)
    for _ in range(2):
        await set_state(market, file.file_id, "withdrawn")
    for state in ("on_sale", "paused"):
        with pytest.raises(ListingWithdrawn):
            await set_state(market, file.file_id, state)
    with pytest.raises(SalesPaused) as refused:
        await market.order(file.file_id)
    assert refused.value.details == {"reason": "withdrawn"}
    await market.block(pays(before))
    assert (await market.look(before.purchase_id)).released


async def test_only_ones_own(market: Market) -> None:
    file = await market.listed()
    bob = await market.store.write(lambda conn: sellers.create_seller(conn, "Bob", token_hash(new_secret()), NOW))
    with pytest.raises(NotFound):
        await set_state(market, file.file_id, "paused", bob)
    with pytest.raises(NotFound):
        await market.store.write(lambda conn: listing_states.delete(conn, bob, file.file_id, NOW, KEEP))
    assert (
        await market.store.read(lambda conn: listings.why_not_sold(conn, listings.get(conn, file.file_id), NOW)) is None
    )


async def test_a_deleted_file_is_kept_for_its_buyers(market: Market) -> None:
    """From the deletion on, or from the release; and while anybody may still pay an invoice."""
    file, quiet = await market.listed(), await market.listed(b"nobody bought this")
    order = await market.order(file.file_id)
    for each in (file, quiet):
        await delete(market, each.file_id)
        await delete(market, each.file_id, NOW + 500)  # again changes nothing
    assert (await due(market, NOW + KEEP - 1), await due(market, NOW + KEEP)) == ([], [quiet.file_id])
    assert await due(market, NOW + 100 * KEEP) == [quiet.file_id], "an invoice of the other is open"
    await market.block(pays(order), now=NOW + 10 * KEEP)
    assert await due(market, NOW + 11 * KEEP - 1) == [quiet.file_id]
    assert sorted(await due(market, NOW + 11 * KEEP)) == sorted([quiet.file_id, file.file_id])
    await market.store.write(lambda conn: listing_states.mark_removed(conn, quiet.file_id, NOW))
    assert await due(market, NOW + 11 * KEEP) == [file.file_id]
    shown = await market.store.read(lambda conn: listings.of_seller(conn, market.seller_id))
    assert [(listing.file_id, listing.stopped, listing.kept_until) for listing, _ in shown] == [
        (file.file_id, "withdrawn", NOW + KEEP)
    ]
    quota = await market.store.read(lambda conn: used(conn, market.seller_id))
    assert (quota.listings, quota.bytes) == (1, len(file.sealed))
