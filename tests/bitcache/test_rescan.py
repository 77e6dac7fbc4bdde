"""A rescan names every difference first, changes nothing unless told to, and ends with ledger equal to chain."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import delete, select, update
from support.market import NOW, Market, SealedFile, pays

from bitcache import block_processing, rescan
from bitcache.chain_types import BlockRef, Payment
from bitcache.errors import BadInput
from bitcache.money import Sat
from bitcache.rescan import ChainPayments, Report
from bitcache.storage.tables import block, payment, payout


@pytest.fixture
async def file(market: Market) -> SealedFile:
    return await market.listed()


async def chain_of(market: Market, first: int = 100) -> ChainPayments:
    """The chain as the ledger has it, from the block after ``first`` on."""
    rows = await market.store.read(lambda conn: conn.execute(select(block).order_by(block.c.height)).all())
    refs = [BlockRef(row.height, row.hash) for row in rows]
    return ChainPayments(refs[first - 100], refs[first - 99 :])


async def dump(market: Market) -> list[list[tuple[object, ...]]]:
    """All that a rescan may change."""
    names = ("payment", "block", "invoice", "grant_", "payout", "event_log")
    return await market.store.read(
        lambda conn: [[tuple(row) for row in conn.exec_driver_sql(f"select * from {name}")] for name in names]
    )


async def looked_at(market: Market, chain: ChainPayments) -> Report:
    """A dry run, which changes nothing; then the real one, which reports the same; then nothing is left to change."""
    others = await market.store.read(lambda conn: rescan.unissued_addresses(conn, market.rail, 20))
    before = await dump(market)
    report = await market.store.write(lambda conn: rescan.dry_run(conn, chain, others, NOW))
    assert await dump(market) == before
    assert await market.store.write(lambda conn: rescan.rescan(conn, chain, others, NOW)) == report
    again = await market.store.write(lambda conn: rescan.rescan(conn, chain, {}, NOW))
    assert again.differences == []
    return report


def told(report: Report) -> list[tuple[str, str, str]]:
    return [(difference.kind.value, difference.was, difference.becomes) for difference in report.differences]


async def test_a_true_ledger_differs_in_nothing(market: Market, file: SealedFile) -> None:
    order = await market.order(file.file_id)
    ref = await market.block(pays(order))
    chain = await chain_of(market)
    chain.payments["tx:0"] = (pays(order), ref)
    before = await dump(market)
    report = await looked_at(market, chain)
    assert (report.differences, report.height, report.payments) == ([], 101, 1)
    assert await dump(market) == before


async def test_a_payment_that_was_lost_is_found_and_released(market: Market, file: SealedFile) -> None:
    order = await market.order(file.file_id)
    ref = await market.block()
    chain = await chain_of(market)
    chain.payments["tx:0"] = (pays(order), ref)
    report = await looked_at(market, chain)
    assert told(report) == [("missing", "not there", "in block 101"), ("state", "new", "settled, released")]
    assert report.differences[0].purchase_id == order.purchase_id
    assert report.differences[0].amount_sat == 2_500
    assert (await market.look(order.purchase_id)).released


async def test_a_payment_that_never_was_is_taken_away_and_a_loss(market: Market, file: SealedFile) -> None:
    order = await market.order(file.file_id)
    await market.block(pays(order))
    report = await looked_at(market, await chain_of(market))
    assert told(report) == [
        ("gone", "in block 101", "not on the chain"),
        ("state", "settled, released", "invalid, released"),
    ]


async def test_another_block_and_another_amount(market: Market, file: SealedFile) -> None:
    order = await market.order(file.file_id)
    ref = await market.block(pays(order))
    later = await market.block()
    chain = await chain_of(market)
    chain.payments["tx:0"] = (pays(order, amount=2_000), later)
    report = await looked_at(market, chain)
    assert told(report) == [
        ("moved", f"in block {ref.height}", "in block 102"),
        ("amount", "2500 sat", "2000 sat"),
        ("state", "settled, released", "invalid, released"),
    ]


async def test_a_ledger_that_followed_another_chain(market: Market, file: SealedFile) -> None:
    order = await market.order(file.file_id)
    await market.block(pays(order))
    chain = ChainPayments(BlockRef(100, "block 100"))
    for height in (101, 102, 103):
        chain.forward(BlockRef(height, f"other {height}"), [pays(order)] if height == 101 else [])
    report = await looked_at(market, chain)
    assert told(report) == [("moved", "in block 101 of another chain", "in block 101")]
    assert await market.store.read(block_processing.cursor) == BlockRef(103, "other 103")


async def test_what_waits_waits_again(market: Market, file: SealedFile) -> None:
    order = await market.order(file.file_id)
    await market.block(pays(order))
    chain = replace(await chain_of(market), waiting=(pays(order),))
    report = await looked_at(market, chain)
    assert told(report) == [("gone", "in block 101", "waits for a block")]
    assert (await market.look(order.purchase_id)).state.value == "settled", "released, and its payment survives"


async def test_what_lies_below_is_left_as_it_is(market: Market, file: SealedFile) -> None:
    order = await market.order(file.file_id)
    await market.block(pays(order))
    await market.block()
    report = await looked_at(market, await chain_of(market, 101))
    assert report.differences == []
    assert (await market.look(order.purchase_id)).state.value == "settled"


async def test_payments_to_forgotten_invoices_are_told_and_never_reused(market: Market, file: SealedFile) -> None:
    """The database and the address journal were both lost: the chain still knows which addresses were used."""
    order = await market.order(file.file_id)
    stranger = market.rail.destination("paper account", 7)
    ref = await market.block()
    chain = await chain_of(market)
    chain.payments["lost:0"] = (replace(pays(order, "lost:0"), key=stranger.match_key), ref)
    report = await looked_at(market, chain)
    assert [difference.kind.value for difference in report.differences] == ["forgotten"]
    assert stranger.text in report.differences[0].was
    assert "number 7" in report.differences[0].was
    assert await market.store.read(lambda conn: conn.scalar(select(payout.c.next_index))) == 8


async def test_a_hole_is_refused(market: Market) -> None:
    chain = ChainPayments(BlockRef(150, "block 150"), [BlockRef(151, "block 151")])
    with pytest.raises(BadInput, match="100"):
        await market.store.write(lambda conn: rescan.rescan(conn, chain, {}, NOW))


async def test_a_damaged_ledger_is_mended(market: Market, file: SealedFile) -> None:
    """Whatever somebody did to the tables: afterwards they say what the chain says."""
    orders = [await market.order(file.file_id) for _ in range(6)]
    chain = ChainPayments(BlockRef(100, "block 100"))
    for number, order in enumerate(orders):
        paid_to = pays(order, f"tx{number}:0")
        chain.forward(await market.block(paid_to), [paid_to])
    good = await dump(market)
    await market.store.write(lambda conn: conn.execute(delete(payment).where(payment.c.height == 103)))
    await market.store.write(
        lambda conn: conn.execute(update(payment).where(payment.c.height == 104).values(height=105, amount_sat=1))
    )
    report = await looked_at(market, chain)
    assert [difference.kind.value for difference in report.differences] == ["missing", "moved", "amount"]
    assert sorted((await dump(market))[0]) == sorted(good[0])


async def test_a_forgotten_address_that_is_being_paid_is_not_given_out(market: Market, file: SealedFile) -> None:
    """Its payment waits for a block while the rescan runs; another buyer must not get it."""
    key = market.rail.destination("paper account", 0).match_key
    await market.block()
    chain = await chain_of(market)
    chain.waiting = (Payment("forgotten:0", key, Sat(2_500)),)
    report = await looked_at(market, chain)
    assert [(difference.kind.value, difference.becomes) for difference in report.differences] == [
        ("forgotten", "waits for a block")
    ]
    order = await market.order(file.file_id)
    await market.block(Payment("forgotten:0", key, Sat(2_500)))
    assert not (await market.look(order.purchase_id)).released
