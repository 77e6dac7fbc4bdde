"""The watcher, with the real store: the ledger says what the chain says, whatever happens in between."""

from __future__ import annotations

import pytest
from support.watcher_harness import HOUR, WatcherHarness

from bitcache.chain_types import Payment
from bitcache.money import Sat
from wallet.chain.chain_source import Scripts
from wallet.chain.simulated_chain import SimulatedChain
from wallet.watcher import SAFETY_DEPTH


async def test_a_payment_is_seen_then_settled_and_released(harness: WatcherHarness) -> None:
    purchase_id, address = await harness.invoice()
    assert await harness.state(purchase_id) == "new"
    await harness.chain.pay(address, Sat(5_000))
    assert await harness.state(purchase_id) == "processing"
    assert await harness.invoice_harness.grants() == []
    await harness.chain.mine()
    assert await harness.state(purchase_id) == "settled"
    assert await harness.invoice_harness.grants() == [purchase_id]


async def test_confirmations_are_counted(harness: WatcherHarness) -> None:
    purchase_id, address = await harness.invoice(confirmations=3)
    await harness.chain.pay(address, Sat(5_000))
    states = []
    for _ in range(3):
        await harness.chain.mine()
        states.append(await harness.state(purchase_id))
    assert states == ["processing", "processing", "settled"]


async def test_several_outputs_add_up(harness: WatcherHarness) -> None:
    purchase_id, address = await harness.invoice()
    await harness.chain.pay(address, Sat(2_000))
    assert await harness.state(purchase_id) == "new"
    assert (await harness.invoice_harness.look(purchase_id)).marks == "paid_partial"
    await harness.chain.pay(address, Sat(2_999))
    await harness.chain.mine()
    assert await harness.state(purchase_id) == "new"
    await harness.chain.pay(address, Sat(1))
    await harness.chain.mine()
    assert await harness.state(purchase_id) == "settled"


async def test_a_replaced_payment_pays_nothing(harness: WatcherHarness) -> None:
    purchase_id, address = await harness.invoice()
    txid = await harness.chain.pay(address, Sat(5_000))
    assert await harness.state(purchase_id) == "processing"
    await harness.chain.replace(txid)
    assert await harness.state(purchase_id) == "new"
    await harness.chain.mine()
    assert await harness.state(purchase_id) == "new"


async def test_a_coinbase_pays_after_a_hundred_blocks(harness: WatcherHarness) -> None:
    purchase_id, address = await harness.invoice()
    await harness.chain.mine(1, address)
    assert await harness.state(purchase_id) == "processing"
    await harness.chain.mine(98)
    assert await harness.state(purchase_id) == "processing"
    await harness.chain.mine()
    assert await harness.state(purchase_id) == "settled"


@pytest.mark.parametrize("depth", [1, 2, 5, 6])
async def test_a_reorganisation_takes_back_what_was_not_released(harness: WatcherHarness, depth: int) -> None:
    purchase_id, address = await harness.invoice(confirmations=10)
    await harness.chain.pay(address, Sat(5_000))
    await harness.chain.mine(depth)
    assert await harness.state(purchase_id) == "processing"
    await harness.chain.reorg(depth, keep=False)
    assert await harness.state(purchase_id) == "new"
    assert await harness.invoice_harness.confirmed() == set()


async def test_a_reorganisation_after_release_is_a_loss_and_can_heal(harness: WatcherHarness) -> None:
    purchase_id, address = await harness.invoice()
    txid = await harness.chain.pay(address, Sat(5_000))
    await harness.chain.mine()
    assert await harness.state(purchase_id) == "settled"
    await harness.chain.reorg(1)
    assert await harness.state(purchase_id) == "settled", "it waits for a block again"
    await harness.chain.replace(txid)
    assert await harness.state(purchase_id) == "invalid"
    await harness.chain.pay(address, Sat(5_000))
    await harness.chain.mine()
    assert await harness.state(purchase_id) == "settled"
    assert await harness.invoice_harness.grants() == [purchase_id], "released once"


async def test_without_a_mempool_what_was_undone_is_gone_until_a_block_has_it(harness: WatcherHarness) -> None:
    """Else a payment undone after the release, then double-spent, would never be recorded as a loss."""
    purchase_id, address = await harness.invoice()
    await harness.chain.pay(address, Sat(5_000))
    await harness.chain.mine()
    assert await harness.state(purchase_id) == "settled"

    async def blind(_: Scripts) -> list[Payment]:
        return []

    harness.chain.unconfirmed = blind
    harness.chain.sees_unconfirmed = False
    await harness.chain.reorg(1)
    assert await harness.state(purchase_id) == "invalid"
    await harness.chain.mine()
    assert await harness.state(purchase_id) == "settled"


async def test_a_reorganisation_below_the_first_block_begins_again_lower(harness: WatcherHarness) -> None:
    """Even the block at which watching began can leave the chain; nothing in its place is missed."""
    purchase_id, address = await harness.invoice()
    await harness.watcher.sync()
    await harness.chain.pay(address, Sat(5_000))
    await harness.chain.mine()
    await harness.chain.reorg(SAFETY_DEPTH + 4)
    await harness.chain.mine(20)
    assert await harness.state(purchase_id) == "settled", (
        "twenty blocks deep, far below where a first start would begin"
    )
    assert await harness.invoice_harness.cursor() == await harness.chain.tip()


async def test_another_chain_altogether(harness: WatcherHarness) -> None:
    """A simulated chain that forgot everything: its genesis is the same, and all else is undone."""
    purchase_id, address = await harness.invoice()
    await harness.chain.pay(address, Sat(5_000))
    await harness.chain.mine()
    assert await harness.state(purchase_id) == "settled"
    harness.chain = SimulatedChain()
    await harness.chain.mine(2)
    harness.new_watcher()
    assert await harness.state(purchase_id) == "invalid"
    assert await harness.invoice_harness.cursor() == await harness.chain.tip()


async def test_a_restart_misses_nothing(harness: WatcherHarness) -> None:
    """Paid while nobody watched; the scripts come from the database."""
    before, first = await harness.invoice()
    await harness.watcher.sync()
    await harness.chain.pay(first, Sat(5_000))
    await harness.chain.mine(30)
    waiting, second = await harness.invoice()
    await harness.chain.pay(second, Sat(5_000))
    harness.new_watcher()
    assert await harness.state(before) == "settled"
    assert await harness.state(waiting) == "processing"


async def test_what_was_replaced_while_nobody_watched_is_gone(harness: WatcherHarness) -> None:
    purchase_id, address = await harness.invoice()
    txid = await harness.chain.pay(address, Sat(5_000))
    assert await harness.state(purchase_id) == "processing"
    await harness.chain.replace(txid)
    harness.new_watcher()
    assert await harness.state(purchase_id) == "new"


async def test_a_first_start_begins_a_little_below_the_tip(harness: WatcherHarness) -> None:
    purchase_id, address = await harness.invoice()
    await harness.chain.pay(address, Sat(5_000))
    await harness.chain.mine(SAFETY_DEPTH)
    assert await harness.state(purchase_id) == "settled"


async def test_watch_from_begins_lower(harness: WatcherHarness) -> None:
    purchase_id, address = await harness.invoice()
    await harness.chain.pay(address, Sat(5_000))
    await harness.chain.mine(50)
    harness.new_watcher(watch_from=20)
    assert await harness.state(purchase_id) == "settled"


async def test_invoices_expire_when_the_chain_is_known_past_their_time(harness: WatcherHarness) -> None:
    purchase_id, address = await harness.invoice(expires_at=harness.clock.now + HOUR)
    harness.clock.now += HOUR
    assert await harness.state(purchase_id) == "new"
    harness.clock.now += 1
    assert await harness.state(purchase_id) == "expired"
    await harness.chain.pay(address, Sat(5_000))
    assert await harness.state(purchase_id) == "processing"
    await harness.chain.mine()
    assert await harness.state(purchase_id) == "settled"
    assert (await harness.invoice_harness.look(purchase_id)).marks == "paid_late"
