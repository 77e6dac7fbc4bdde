"""The watcher, with the real store: the ledger says what the chain says, whatever happens in between."""

from __future__ import annotations

import pytest
from support.till import HOUR, Till

from bitcache.chain_payments import Payment
from bitcache.money import Sat
from wallet.chain.chain_source import Scripts
from wallet.chain.simulated_chain import SimulatedChain
from wallet.watcher import SAFETY_DEPTH


async def test_a_payment_is_seen_then_settled_and_released(till: Till) -> None:
    purchase_id, address = await till.invoice()
    assert await till.state(purchase_id) == "new"
    await till.chain.pay(address, Sat(5_000))
    assert await till.state(purchase_id) == "processing"
    assert await till.shop.grants() == []
    await till.chain.mine()
    assert await till.state(purchase_id) == "settled"
    assert await till.shop.grants() == [purchase_id]


async def test_confirmations_are_counted(till: Till) -> None:
    purchase_id, address = await till.invoice(confirmations=3)
    await till.chain.pay(address, Sat(5_000))
    states = []
    for _ in range(3):
        await till.chain.mine()
        states.append(await till.state(purchase_id))
    assert states == ["processing", "processing", "settled"]


async def test_several_outputs_add_up(till: Till) -> None:
    purchase_id, address = await till.invoice()
    await till.chain.pay(address, Sat(2_000))
    assert await till.state(purchase_id) == "new"
    assert (await till.shop.look(purchase_id)).marks == "paid_partial"
    await till.chain.pay(address, Sat(2_999))
    await till.chain.mine()
    assert await till.state(purchase_id) == "new"
    await till.chain.pay(address, Sat(1))
    await till.chain.mine()
    assert await till.state(purchase_id) == "settled"


async def test_a_replaced_payment_pays_nothing(till: Till) -> None:
    purchase_id, address = await till.invoice()
    txid = await till.chain.pay(address, Sat(5_000))
    assert await till.state(purchase_id) == "processing"
    await till.chain.replace(txid)
    assert await till.state(purchase_id) == "new"
    await till.chain.mine()
    assert await till.state(purchase_id) == "new"


async def test_a_coinbase_pays_after_a_hundred_blocks(till: Till) -> None:
    purchase_id, address = await till.invoice()
    await till.chain.mine(1, address)
    assert await till.state(purchase_id) == "processing"
    await till.chain.mine(98)
    assert await till.state(purchase_id) == "processing"
    await till.chain.mine()
    assert await till.state(purchase_id) == "settled"


@pytest.mark.parametrize("depth", [1, 2, 5, 6])
async def test_a_reorganisation_takes_back_what_was_not_released(till: Till, depth: int) -> None:
    purchase_id, address = await till.invoice(confirmations=10)
    await till.chain.pay(address, Sat(5_000))
    await till.chain.mine(depth)
    assert await till.state(purchase_id) == "processing"
    await till.chain.reorg(depth, keep=False)
    assert await till.state(purchase_id) == "new"
    assert await till.shop.confirmed() == set()


async def test_a_reorganisation_after_release_is_a_loss_and_can_heal(till: Till) -> None:
    purchase_id, address = await till.invoice()
    txid = await till.chain.pay(address, Sat(5_000))
    await till.chain.mine()
    assert await till.state(purchase_id) == "settled"
    await till.chain.reorg(1)
    assert await till.state(purchase_id) == "settled", "it waits for a block again"
    await till.chain.replace(txid)
    assert await till.state(purchase_id) == "invalid"
    await till.chain.pay(address, Sat(5_000))
    await till.chain.mine()
    assert await till.state(purchase_id) == "settled"
    assert await till.shop.grants() == [purchase_id], "released once"


async def test_without_a_mempool_what_was_undone_is_gone_until_a_block_has_it(till: Till) -> None:
    """Else a payment undone after the release, then double-spent, would never be recorded as a loss."""
    purchase_id, address = await till.invoice()
    await till.chain.pay(address, Sat(5_000))
    await till.chain.mine()
    assert await till.state(purchase_id) == "settled"

    async def blind(_: Scripts) -> list[Payment]:
        return []

    till.chain.unconfirmed = blind
    till.chain.sees_unconfirmed = False
    await till.chain.reorg(1)
    assert await till.state(purchase_id) == "invalid"
    await till.chain.mine()
    assert await till.state(purchase_id) == "settled"


async def test_a_reorganisation_below_the_first_block_begins_again_lower(till: Till) -> None:
    """Even the block at which watching began can leave the chain; nothing in its place is missed."""
    purchase_id, address = await till.invoice()
    await till.watcher.sync()
    await till.chain.pay(address, Sat(5_000))
    await till.chain.mine()
    await till.chain.reorg(SAFETY_DEPTH + 4)
    await till.chain.mine(20)
    assert await till.state(purchase_id) == "settled", "twenty blocks deep, far below where a first start would begin"
    assert await till.shop.cursor() == await till.chain.tip()


async def test_another_chain_altogether(till: Till) -> None:
    """A simulated chain that forgot everything: its genesis is the same, and all else is undone."""
    purchase_id, address = await till.invoice()
    await till.chain.pay(address, Sat(5_000))
    await till.chain.mine()
    assert await till.state(purchase_id) == "settled"
    till.chain = SimulatedChain()
    await till.chain.mine(2)
    till.new_watcher()
    assert await till.state(purchase_id) == "invalid"
    assert await till.shop.cursor() == await till.chain.tip()


async def test_a_restart_misses_nothing(till: Till) -> None:
    """Paid while nobody watched; the scripts come from the database."""
    before, first = await till.invoice()
    await till.watcher.sync()
    await till.chain.pay(first, Sat(5_000))
    await till.chain.mine(30)
    waiting, second = await till.invoice()
    await till.chain.pay(second, Sat(5_000))
    till.new_watcher()
    assert await till.state(before) == "settled"
    assert await till.state(waiting) == "processing"


async def test_what_was_replaced_while_nobody_watched_is_gone(till: Till) -> None:
    purchase_id, address = await till.invoice()
    txid = await till.chain.pay(address, Sat(5_000))
    assert await till.state(purchase_id) == "processing"
    await till.chain.replace(txid)
    till.new_watcher()
    assert await till.state(purchase_id) == "new"


async def test_a_first_start_begins_a_little_below_the_tip(till: Till) -> None:
    purchase_id, address = await till.invoice()
    await till.chain.pay(address, Sat(5_000))
    await till.chain.mine(SAFETY_DEPTH)
    assert await till.state(purchase_id) == "settled"


async def test_a_birthday_begins_lower(till: Till) -> None:
    purchase_id, address = await till.invoice()
    await till.chain.pay(address, Sat(5_000))
    await till.chain.mine(50)
    till.new_watcher(watch_from=20)
    assert await till.state(purchase_id) == "settled"


async def test_invoices_expire_when_the_chain_is_known_past_their_time(till: Till) -> None:
    purchase_id, address = await till.invoice(expires_at=till.clock.now + HOUR)
    till.clock.now += HOUR
    assert await till.state(purchase_id) == "new"
    till.clock.now += 1
    assert await till.state(purchase_id) == "expired"
    await till.chain.pay(address, Sat(5_000))
    assert await till.state(purchase_id) == "processing"
    await till.chain.mine()
    assert await till.state(purchase_id) == "settled"
    assert (await till.shop.look(purchase_id)).marks == "paid_late"
