"""The event log: in order, read by each subscriber at its own pace, and only what really happened."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Connection
from support.market import NOW, Market, address_of, pays

from bitcache import event_log
from bitcache.event_log import EventKind
from bitcache.issue_invoices import Purchase


@pytest.fixture
async def orders(market: Market) -> list[Purchase]:
    file = await market.listed()
    return [await market.order(file.file_id) for _ in range(3)]


async def told(market: Market, limit: int = 1000) -> list[event_log.Event]:
    """What happened to purchases, and is unread."""
    events = await market.store.read(lambda conn: event_log.unread(conn, most=limit + 1))
    return [event for event in events if event.kind.startswith("purchase.")][:limit]


async def test_events_come_in_order_and_stay_until_acknowledged(market: Market, orders: list[Purchase]) -> None:
    """Read twice, deliver a part, read the rest."""
    for order in orders:
        await market.unconfirmed(pays(order, f"{address_of(order)}:0"))
    events = await told(market)
    # the first payment appears; then each next one replaces the one before
    first, second, third = (order.purchase_id for order in orders)
    assert events[0].subject == first
    assert sorted(event.subject for event in events[1:3]) == sorted([first, second])
    assert sorted(event.subject for event in events[3:]) == sorted([second, third])
    assert await told(market) == events
    assert await told(market, limit=2) == events[:2]
    await market.store.write(lambda conn: event_log.acknowledge(conn, events[1].id))
    assert await told(market) == events[2:]


async def test_what_is_added_while_others_are_handed_over_is_not_lost(market: Market, orders: list[Purchase]) -> None:
    """Only what was read is passed."""
    await market.unconfirmed(pays(orders[0]))
    read = await told(market)
    await market.unconfirmed(pays(orders[0]), pays(orders[1], "late:0"))
    await market.store.write(lambda conn: event_log.acknowledge(conn, read[-1].id))
    assert [event.subject for event in await told(market)] == [orders[1].purchase_id]


async def test_what_was_undone_is_not_told(market: Market, orders: list[Purchase]) -> None:
    """The event commits with the change, or not at all; other writes of the batch are not concerned."""

    def fails(conn: Connection) -> None:
        event_log.add(conn, [(EventKind.PURCHASE_SEEN, orders[0].purchase_id)], NOW)
        raise RuntimeError

    both = (market.store.write(fails), market.unconfirmed(pays(orders[1])))
    results = await asyncio.gather(*both, return_exceptions=True)
    assert isinstance(results[0], RuntimeError)
    assert [event.subject for event in await told(market)] == [orders[1].purchase_id]


async def test_nothing_to_tell_is_nothing(market: Market) -> None:
    """No purchases, no rows."""
    await market.store.write(lambda conn: event_log.add(conn, [], NOW))
    assert await told(market) == []


async def test_kinds_say_what_happened(market: Market, orders: list[Purchase]) -> None:
    """Seen, settled and reversed; a listing when it is published."""
    order = orders[0]
    await market.unconfirmed(pays(order))
    paid = await market.block(pays(order))
    await market.undo(paid)
    await market.block()
    events = await market.store.read(event_log.unread)
    assert events[0].kind is EventKind.LISTING_CREATED
    kinds = [event.kind for event in events if event.subject == order.purchase_id]
    assert kinds[:2] == [EventKind.PURCHASE_SEEN, EventKind.PURCHASE_SETTLED]


async def test_each_subscriber_has_its_own_cursor(market: Market, orders: list[Purchase]) -> None:
    """What one has acknowledged is still there for another, after a restart too; a cursor never goes back."""
    await market.unconfirmed(pays(orders[0]))
    [event] = await told(market)
    await market.store.write(lambda conn: event_log.acknowledge(conn, event.id))
    assert await told(market) == []
    hooks = await market.store.read(lambda conn: event_log.unread(conn, "hooks"))
    assert hooks[-1] == event
    await market.store.write(lambda conn: event_log.acknowledge(conn, event.id, "hooks"))
    await market.store.write(lambda conn: event_log.acknowledge(conn, 0, "hooks"))
    assert await market.store.read(lambda conn: event_log.count_unread(conn, "hooks")) == 0


async def test_what_all_have_read_is_trimmed_when_it_is_old(market: Market, orders: list[Purchase]) -> None:
    """Not before, and not while a subscriber still needs it; one that is gone for a month is forgotten."""
    store, day = market.store, 86_400
    await market.unconfirmed(pays(orders[0]))
    [event] = await told(market)
    assert await store.write(lambda conn: event_log.trim(conn, NOW + 8 * day, 7 * day)) == 0, "nobody has read it"
    await store.write(lambda conn: event_log.acknowledge(conn, event.id))
    await store.write(lambda conn: event_log.acknowledge(conn, 0, "hooks"))
    assert await store.write(lambda conn: event_log.trim(conn, NOW + 8 * day, 7 * day)) == 0, "hooks has not"
    assert await store.write(lambda conn: event_log.trim(conn, NOW + 31 * day, 7 * day)) == 2, "hooks is gone"
    await market.unconfirmed(pays(orders[1], "later:0"))
    assert [later.id for later in await told(market)] > [event.id], "no id is given out twice"
