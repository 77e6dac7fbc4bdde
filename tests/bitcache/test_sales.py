"""A seller's sales: complete, in pages, each day's sum, the same after a reorganisation, and there in old databases."""

from __future__ import annotations

from importlib import import_module

import pytest
from sqlalchemy import Connection, delete
from support.market import NOW, Market, pays

from bitcache import sales, sellers
from bitcache.errors import NotFound
from bitcache.identifiers import new_secret, token_hash
from bitcache.sales import DAY, DaySales, Sale
from bitcache.storage.tables import sale


async def sold(market: Market, most: int = 100) -> list[Sale]:
    """The market's seller's sales."""
    return await market.store.read(lambda conn: sales.of_seller(conn, market.seller_id, most=most))


async def test_a_sale_is_there_from_the_first_sight_of_its_payment_on(market: Market) -> None:
    file = await market.listed()
    paid, unpaid = await market.order(file.file_id), await market.order(file.file_id)
    assert await sold(market) == []
    await market.unconfirmed(pays(paid, "tx:1"), now=NOW + 5)
    [seen] = await sold(market)
    assert (seen.purchase_id, seen.file_id, seen.state) == (paid.purchase_id, file.file_id, "processing")
    assert (seen.received, seen.first_seen_at, seen.settled_at) == (2_500, NOW + 5, None)
    await market.block(pays(paid, "tx:1"), now=NOW + 60)
    [settled] = await sold(market)
    assert (settled.state, settled.first_seen_at, settled.settled_at) == ("settled", NOW + 5, NOW + 60)
    assert [(one.rail, one.reference, one.amount) for one in settled.payments] == [("paper", "tx:1", 2_500)]
    assert unpaid.purchase_id != settled.purchase_id


async def test_what_was_undone_stays_and_says_so(market: Market) -> None:
    file = await market.listed()
    order = await market.order(file.file_id)
    block = await market.block(pays(order))
    await market.undo(block)
    await market.unconfirmed()
    [undone] = await sold(market)
    assert (undone.state, undone.received) == ("invalid", 0)
    assert [one.status for one in undone.payments] == ["withdrawn"]
    assert await market.store.read(lambda conn: sales.by_day(conn, market.seller_id, 0)) == []


async def test_sales_come_in_pages_of_their_seller(market: Market) -> None:
    file = await market.listed()
    orders = [await market.order(file.file_id) for _ in range(5)]
    paid = [pays(order, f"tx:{number}") for number, order in enumerate(orders)]
    for number in range(5):
        await market.unconfirmed(*paid[: number + 1], now=NOW + number // 2)
    pages: list[list[str]] = []
    while page := await market.store.read(
        lambda conn: sales.of_seller(
            conn,
            market.seller_id,
            most=2,
            after=pages[-1][-1] if pages else None,  # type: ignore[arg-type]
        )
    ):
        pages.append([each.purchase_id for each in page])
    assert [len(page) for page in pages] == [2, 2, 1]
    assert {each for page in pages for each in page} == {order.purchase_id for order in orders}
    bob = await market.store.write(lambda conn: sellers.create_seller(conn, "Bob", token_hash(new_secret()), NOW))
    assert await market.store.read(lambda conn: sales.of_seller(conn, bob, most=9)) == []
    with pytest.raises(NotFound):
        await market.store.read(lambda conn: sales.of_seller(conn, bob, most=9, after=orders[0].purchase_id))


async def test_each_day_adds_up(market: Market) -> None:
    """By when it was first seen; what is not settled, and what came before, does not count."""
    file, today = await market.listed(), NOW // DAY * DAY
    old, first, second, later = [await market.order(file.file_id) for _ in range(4)]
    for order, reference, at in ((old, "a:0", today - 5), (first, "b:0", today), (second, "c:0", today + 9)):
        await market.block(pays(order, reference), now=at)
    await market.block(pays(later, "d:0", 3_000), now=today + DAY)
    waiting = await market.order(file.file_id)
    await market.unconfirmed(pays(waiting, "e:0"))
    days = await market.store.read(lambda conn: sales.by_day(conn, market.seller_id, today))
    assert days == [DaySales(today, "paper", 2, 5_000), DaySales(today + DAY, "paper", 1, 3_000)]


async def test_sales_of_before_are_there(market: Market) -> None:
    """What the migration fills in equals what was kept all along."""
    file = await market.listed()
    for number in range(3):
        await market.block(pays(await market.order(file.file_id), f"tx:{number}"), now=NOW + number)
    await market.order(file.file_id)
    before = await sold(market)
    migration = import_module("bitcache.storage.migrations.versions.0013_sales")

    def again(conn: Connection) -> None:
        conn.execute(delete(sale))
        conn.exec_driver_sql(migration._BEFORE)

    await market.store.write(again)
    assert await sold(market) == before
    assert len(before) == 3
