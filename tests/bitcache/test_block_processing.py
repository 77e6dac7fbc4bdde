"""Steps 4 to 6 together: what the watcher reports, and what becomes of the invoices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import Connection, select
from support.market import NOW, Market, pays, references_of

from bitcache import absent_payments, block_processing, event_log, payments_known_until
from bitcache.block_processing import OutOfOrder
from bitcache.chain_types import CHAIN, BlockRef, Payment
from bitcache.issue_invoices import Purchase
from bitcache.money import Sat
from bitcache.storage.tables import grant, metadata

LATE = NOW + 3601


@pytest.fixture
async def order(market: Market) -> Purchase:
    """2 500 sat, one confirmation."""
    return await market.order((await market.listed()).file_id)


@pytest.fixture
async def deep(market: Market) -> Purchase:
    """1 000 000 sat, three confirmations."""
    return await market.order((await market.listed(price_sat=1_000_000)).file_id)


async def state(market: Market, purchase: Purchase) -> str:
    now = await market.look(purchase.purchase_id)
    return " ".join([now.state, *now.marks])


async def lost_at(market: Market) -> list[int | None]:
    return await market.store.read(lambda conn: list(conn.scalars(select(grant.c.lost_at))))


def dump(conn: Connection) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    return {
        name: sorted((tuple(row) for row in conn.execute(select(table))), key=repr)
        for name, table in metadata.tables.items()
    }


async def test_it_starts_once(market: Market) -> None:
    """The first start counts; later ones change nothing."""
    await market.store.write(lambda conn: block_processing.start(conn, BlockRef(5, "other")))
    assert await market.store.read(block_processing.cursor) == BlockRef(100, "block 100")


async def test_seen_then_confirmed(market: Market, order: Purchase) -> None:
    """new, processing, settled; with the times of each."""
    await market.unconfirmed(pays(order), now=NOW + 10)
    assert await state(market, order) == "processing"
    await market.block(pays(order), now=NOW + 20)
    done = await market.look(order.purchase_id)
    assert (done.state, done.seen_at, done.settled_at, done.released) == ("settled", NOW + 10, NOW + 20, True)


async def test_confirmed_without_being_seen_before(market: Market, order: Purchase) -> None:
    """A node that shows no mempool."""
    await market.block(pays(order))
    assert await state(market, order) == "settled"


async def test_a_large_amount_waits_for_its_depth(market: Market, deep: Purchase) -> None:
    """One, two, three blocks; empty ones count."""
    depths = []
    for payments in ([pays(deep)], [], [], []):
        await market.block(*payments)
        now = await market.look(deep.purchase_id)
        depths.append((now.state, now.confirmations))
    assert depths == [("processing", 1), ("processing", 2), ("settled", 3), ("settled", 3)]


async def test_two_payments_settle_when_the_later_one_is_deep_enough(market: Market, deep: Purchase) -> None:
    """Each part by itself is partial; the sum counts from the shallower one."""
    await market.block(pays(deep, "a:0", 400_000))
    assert await state(market, deep) == "new paid_partial"
    await market.block(pays(deep, "b:0", 600_000))
    await market.block()
    assert await state(market, deep) == "processing"
    await market.block()
    assert await state(market, deep) == "settled"


async def test_every_output_counts(market: Market, order: Purchase) -> None:
    """Several outputs of one transaction, in one block; together they are too much."""
    await market.block(pays(order, "a:0", 1_000), pays(order, "a:1", 1_000), pays(order, "a:2", 1_000))
    assert await state(market, order) == "settled paid_over"


async def test_one_satoshi_less_is_not_enough(market: Market, order: Purchase) -> None:
    """There is no tolerance."""
    await market.block(pays(order, amount=2_499))
    assert await state(market, order) == "new paid_partial"


async def test_a_payment_that_is_replaced_is_gone(market: Market, order: Purchase) -> None:
    """Back to new; the replacement then settles it; the one replaced is not counted."""
    await market.unconfirmed(pays(order, "a:0"))
    await market.unconfirmed(pays(order, "b:0", 1_000))
    assert await state(market, order) == "new paid_partial"
    await market.unconfirmed()
    assert await state(market, order) == "new"
    await market.block(pays(order, "c:0"))
    assert references_of(await market.look(order.purchase_id)) == ["c"]


async def test_one_that_comes_back_keeps_the_time_when_it_was_first_seen(market: Market, order: Purchase) -> None:
    """Dropped from the mempool in time, mined after the expiry: not late."""
    await market.unconfirmed(pays(order), now=NOW + 5)
    await market.unconfirmed()
    await market.block(pays(order), now=LATE)
    assert (await market.look(order.purchase_id)).seen_at == NOW + 5
    assert await state(market, order) == "settled"


async def test_a_late_message_does_not_take_a_payment_out_of_its_block(market: Market, deep: Purchase) -> None:
    """What is in a block is not `seen` again, nor gone when the mempool no longer has it."""
    await market.block(pays(deep))
    for payments in ([pays(deep)], []):
        await market.unconfirmed(*payments)
        assert (await market.look(deep.purchase_id)).confirmations == 1


async def test_expiry_waits_until_the_chain_is_known(market: Market, order: Purchase) -> None:
    """A node that is away pauses it; exactly at the end there is still time."""
    for until, expected in ((order.expires_at, "new"), (order.expires_at + 1, "expired")):
        await market.known_until(until)
        assert await state(market, order) == expected


async def test_a_part_payment_expires_with_its_mark(market: Market, order: Purchase) -> None:
    """And the rest, paid late, still releases."""
    await market.block(pays(order, "a:0", 1_000))
    await market.known_until(LATE)
    assert await state(market, order) == "expired paid_partial"
    await market.block(pays(order, "b:0", 1_500), now=LATE)
    assert await state(market, order) == "settled paid_late"


async def test_a_late_payment_releases(market: Market, order: Purchase) -> None:
    """expired, processing, settled."""
    await market.known_until(LATE)
    await market.unconfirmed(pays(order), now=LATE)
    assert await state(market, order) == "processing paid_late"
    await market.block(pays(order), now=LATE)
    assert (await market.look(order.purchase_id)).released


async def test_a_payment_seen_in_time_may_be_confirmed_after_it(market: Market, order: Purchase) -> None:
    """Processing does not expire; when the payment vanishes then, it has."""
    await market.unconfirmed(pays(order))
    await market.known_until(LATE)
    assert await state(market, order) == "processing"
    await market.unconfirmed()
    assert await state(market, order) == "expired"


async def test_a_reorganisation_before_release(market: Market, deep: Purchase) -> None:
    """The payment waits for a block again, and its depth is counted anew from its new block."""
    await market.block()
    blocks = [await market.block(pays(deep)), await market.block()]
    for ref in reversed(blocks):
        await market.undo(ref)
    undone = await market.look(deep.purchase_id)
    assert (undone.state, undone.confirmations, references_of(undone)) == ("processing", 0, ["tx"])
    await market.block(name="other")
    await market.block(pays(deep), name="other")
    assert (await market.look(deep.purchase_id)).confirmations == 1


async def test_an_undone_block_on_top_makes_payments_shallower(market: Market, deep: Purchase) -> None:
    """Two confirmations, one of them undone."""
    await market.block(pays(deep))
    top = await market.block()
    await market.undo(top)
    assert (await market.look(deep.purchase_id)).confirmations == 1


async def test_a_payment_may_move_below_the_block_in_which_it_was_first(market: Market, order: Purchase) -> None:
    """After a reorganisation it lies in an earlier block than before: opening times never filter."""
    blocks = [await market.block(), await market.block(), await market.block(pays(order))]
    for ref in reversed(blocks):
        await market.undo(ref)
    await market.block(pays(order), name="other")
    now = await market.look(order.purchase_id)
    assert (now.state, now.released) == ("settled", True)


async def test_a_reorganisation_after_release_is_a_loss_only_if_the_payment_stays_away(
    market: Market, order: Purchase
) -> None:
    """settled while it waits, invalid when it is replaced, the first time of loss stays, settled when it returns."""
    block = await market.block(pays(order), now=NOW + 1)
    await market.undo(block, now=NOW + 2)
    assert (await state(market, order), await lost_at(market)) == ("settled", [None])
    await market.unconfirmed(now=NOW + 3)
    assert (await state(market, order), await lost_at(market)) == ("invalid", [NOW + 3])
    await market.unconfirmed(pays(order, "little:0", 300), now=NOW + 4)
    assert (await state(market, order), await lost_at(market)) == ("invalid paid_partial", [NOW + 3])
    again = await market.look(order.purchase_id)
    assert (again.released, again.settled_at) == (True, NOW + 1)
    await market.block(pays(order, "again:0"), now=NOW + 5)
    assert (await state(market, order), await lost_at(market)) == ("settled paid_over", [None])


async def test_a_coinbase_counts_when_it_is_mature_and_is_gone_when_undone(market: Market, order: Purchase) -> None:
    """100 confirmations; and a coinbase never waits in the mempool."""
    block = await market.block(pays(order, maturity=100))
    await market.undo(block)
    assert (await state(market, order), references_of(await market.look(order.purchase_id))) == ("new", [])
    await market.block(pays(order, "new:0", maturity=100), name="other")
    for _ in range(98):
        await market.block()
    assert await state(market, order) == "processing"
    await market.block()
    assert await state(market, order) == "settled"


async def test_payments_to_keys_of_nobody_are_passed_over(market: Market, order: Purchase) -> None:
    """A script from another installation, say."""
    stranger = Payment("x:0", b"stranger", Sat(2_500))
    await market.unconfirmed(stranger)
    await market.block(stranger, pays(order))
    assert await state(market, order) == "settled"


async def test_repeating_any_report_changes_nothing(market: Market, order: Purchase, deep: Purchase) -> None:
    """A crash repeats a step: not one row may differ, not one event be told twice."""
    cursor = BlockRef(100, "block 100")
    first, second = BlockRef(101, "a"), BlockRef(102, "b")
    waiting, mined = [pays(order, "a:0"), pays(deep, "b:0", 5)], [pays(deep, "c:0"), pays(order, "d:0")]
    reports: list[Callable[[Connection], None]] = [
        lambda conn: block_processing.start(conn, cursor),
        lambda conn: block_processing.unconfirmed(conn, waiting, NOW),
        lambda conn: block_processing.extend(conn, cursor, first, mined, NOW),
        lambda conn: block_processing.extend(conn, first, second, [], NOW),
        lambda conn: block_processing.unconfirmed(conn, waiting[:1], NOW),
        lambda conn: payments_known_until.set_known_until(conn, CHAIN, LATE, NOW),
    ]
    for report in reports:
        await market.store.write(report)
        once = await market.store.read(dump)
        await market.store.write(report)
        assert await market.store.read(dump) == once


async def test_a_look_that_changes_nothing_writes_nothing(market: Market, order: Purchase) -> None:
    """However many payments are absent: each look at the mempool passes over those that were absent before."""
    waiting = [replace(pays(order, f"{place}:0"), transactions=(b"raw",)) for place in range(20)]
    await market.store.write(lambda conn: block_processing.unconfirmed(conn, waiting, NOW))
    await market.store.write(lambda conn: block_processing.unconfirmed(conn, waiting[:5], NOW + 1))

    def rows_written(conn: Connection, present: list[Payment], conflicted: set[str]) -> int:
        count = "SELECT total_changes()"
        before = int(conn.exec_driver_sql(count).scalar_one())
        block_processing.unconfirmed(conn, present, NOW + 2, conflicted=conflicted)
        return int(conn.exec_driver_sql(count).scalar_one()) - before

    assert await market.store.write(lambda conn: rows_written(conn, waiting[:5], set())) == 0
    assert await market.store.write(lambda conn: rows_written(conn, waiting[:5], {"7"})) > 0
    assert len(await market.store.read(lambda conn: absent_payments.absent(conn, {"0:0"}))) == 18
    assert (await market.look(order.purchase_id)).received_sat == 19 * 2_500


async def test_ancestors_that_wait_again_are_kept_with_their_child(market: Market, order: Purchase) -> None:
    """Kept alone while its parent was in a block; when that is undone both wait."""
    alone = replace(pays(order, "child:0"), transactions=(b"child",))
    both = replace(alone, transactions=(b"parent", b"child"))
    for seen in (alone, both, alone):  # fewer replace nothing: the parent may leave its block again
        await market.store.write(lambda conn, seen=seen: block_processing.unconfirmed(conn, [seen], NOW))
    kept = await market.store.read(absent_payments.kept_transactions)
    assert [kept_transaction.transactions for kept_transaction in kept] == [(b"parent", b"child")]


async def test_what_does_not_follow_the_cursor_is_refused_and_changes_nothing(market: Market, order: Purchase) -> None:
    """A bug of a watcher cannot damage the ledger."""
    top = await market.block()
    before = await market.store.read(dump)
    wrong: list[Callable[[Connection], None]] = [
        lambda conn: block_processing.extend(conn, BlockRef(100, "block 100"), BlockRef(101, "x"), [pays(order)], NOW),
        lambda conn: block_processing.extend(conn, top, BlockRef(103, "x"), [pays(order)], NOW),
        lambda conn: block_processing.extend(conn, BlockRef(101, "x"), BlockRef(102, "y"), [pays(order)], NOW),
        lambda conn: block_processing.undo(conn, BlockRef(100, "block 100"), NOW),
        lambda conn: block_processing.undo(conn, BlockRef(101, "x"), NOW),
    ]
    for report in wrong:
        with pytest.raises(OutOfOrder):
            await market.store.write(report)
    assert await market.store.read(dump) == before


async def test_a_block_with_very_many_payments(market: Market) -> None:
    """More than SQLite takes as parameters of one statement."""
    order = await market.order((await market.listed(price_sat=2_500)).file_id)
    await market.block(*[pays(order, f"tx{number}:0", 1) for number in range(40_000)])
    assert (await market.look(order.purchase_id)).received_sat == 40_000


async def test_every_change_is_told_once(market: Market, order: Purchase, deep: Purchase) -> None:
    """One event per purchase and change; none for what stayed the same."""
    await market.block()
    await market.unconfirmed(pays(order))
    await market.unconfirmed(pays(order))
    await market.block(pays(order))
    await market.block()
    told = [event.subject for event in await market.store.read(event_log.unread) if event.kind != "listing.created"]
    assert told == [order.purchase_id, order.purchase_id]
    assert deep.purchase_id not in told


async def test_a_block_tells_how_deep_a_payment_must_lie(market: Market, order: Purchase) -> None:
    """Heard of outside a block first, a reward would else be paid out a hundred blocks too early."""
    await market.unconfirmed(pays(order))
    await market.unconfirmed()
    await market.block(pays(order, maturity=100))
    assert await state(market, order) == "processing"
