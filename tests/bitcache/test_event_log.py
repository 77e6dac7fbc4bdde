"""The outbox: told in order, kept until taken, and only what really happened."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Connection
from support.market import NOW, Market, pays

from bitcache import event_log
from bitcache.issue_invoices import Purchase


@pytest.fixture
async def orders(market: Market) -> list[Purchase]:
    file = await market.listed()
    return [await market.order(file.file_id) for _ in range(3)]


async def told(market: Market, limit: int = 1000) -> list[event_log.Event]:
    return await market.store.read(lambda conn: event_log.pending(conn, limit))


async def test_events_come_in_order_and_stay_until_delivered(market: Market, orders: list[Purchase]) -> None:
    """Read twice, deliver a part, read the rest."""
    for order in orders:
        await market.unconfirmed(pays(order, f"{order.address}:0"))
    events = await told(market)
    # the first payment appears; then each next one replaces the one before
    first, second, third = (order.purchase_id for order in orders)
    assert events[0].purchase_id == first
    assert sorted(one.purchase_id for one in events[1:3]) == sorted([first, second])
    assert sorted(one.purchase_id for one in events[3:]) == sorted([second, third])
    assert await told(market) == events
    assert await told(market, limit=2) == events[:2]
    await market.store.write(lambda conn: event_log.delivered(conn, events[1].id))
    assert await told(market) == events[2:]


async def test_what_is_added_while_others_are_handed_over_is_not_lost(market: Market, orders: list[Purchase]) -> None:
    """Only what was read is deleted."""
    await market.unconfirmed(pays(orders[0]))
    read = await told(market)
    await market.unconfirmed(pays(orders[0]), pays(orders[1], "late:0"))
    await market.store.write(lambda conn: event_log.delivered(conn, read[-1].id))
    assert [one.purchase_id for one in await told(market)] == [orders[1].purchase_id]


async def test_what_was_undone_is_not_told(market: Market, orders: list[Purchase]) -> None:
    """The event commits with the change, or not at all; other writes of the batch are not concerned."""

    def fails(conn: Connection) -> None:
        event_log.add(conn, [orders[0].purchase_id], "purchase", NOW)
        raise RuntimeError

    both = (market.store.write(fails), market.unconfirmed(pays(orders[1])))
    results = await asyncio.gather(*both, return_exceptions=True)
    assert isinstance(results[0], RuntimeError)
    assert [one.purchase_id for one in await told(market)] == [orders[1].purchase_id]


async def test_nothing_to_tell_is_nothing(market: Market) -> None:
    """No purchases, no rows."""
    await market.store.write(lambda conn: event_log.add(conn, [], "purchase", NOW))
    assert await told(market) == []
