"""A payment that left the mempool was received all the same, until something else is seen to spend its coins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from support.accounts import fresh_destinations
from support.eventually import eventually
from support.invoice_harness import open_invoice_harness
from support.watcher_harness import WatcherHarness

from bitcache import absent_payments, block_processing
from bitcache.chain_errors import ChainError
from bitcache.money import Sat
from bitcache.storage.database import Store
from wallet.chain.bitcoind_source import BitcoindSource
from wallet.chain.regtest_node import RegtestNode
from wallet.watcher import Watcher


async def test_a_lost_mempool_asks_nobody_to_pay_twice(harness: WatcherHarness) -> None:
    """Processing, the node crashes: still processing, marked, and the node has the transaction again."""
    purchase_id, address = await harness.invoice()
    await harness.chain.pay(address, Sat(5_000))
    assert await harness.state(purchase_id) == "processing"
    harness.chain._unwanted |= harness.chain._waiting.keys()  # it takes it no more, as with a higher fee floor
    await harness.chain.lose_mempool()
    assert await harness.state(purchase_id) == "processing"
    row = await harness.invoice_harness.look(purchase_id)
    assert (row.received_sat, row.marks) == (5_000, "not_in_mempool")
    harness.clock.now += 10 * 24 * 3_600
    harness.new_watcher()
    assert await harness.state(purchase_id) == "processing"
    harness.chain._unwanted.clear()
    harness.new_watcher()
    await harness.watcher.sync()
    await harness.watcher.sync()
    assert (await harness.invoice_harness.look(purchase_id)).marks == ""
    await harness.chain.mine()
    assert await harness.state(purchase_id) == "settled"


async def test_what_was_replaced_is_withdrawn(harness: WatcherHarness) -> None:
    """Also while it was out of sight."""
    purchase_id, address = await harness.invoice()
    txid = await harness.chain.pay(address, Sat(5_000))
    assert await harness.state(purchase_id) == "processing"
    await harness.chain.drop(txid)
    assert await harness.state(purchase_id) == "processing"
    harness.chain._spent.add(txid)
    assert await harness.state(purchase_id) == "new"


async def test_an_absent_payment_releases_nothing_without_a_block(harness: WatcherHarness) -> None:
    """Where none is asked for: it was not in the mempool when the loss budget had room for it."""
    purchase_id, address = await harness.invoice(confirmations=0)
    txid = await harness.chain.pay(address, Sat(5_000))
    assert await harness.state(purchase_id) == "processing", "no budget yet"
    row = await harness.invoice_harness.look(purchase_id)
    await harness.invoice_harness.store.write(
        lambda conn: conn.exec_driver_sql("UPDATE invoice SET confirmations = 0 WHERE purchase_id = ?", (purchase_id,))
    )
    await harness.chain.drop(txid)
    harness.new_watcher(loss_budget=100_000)
    assert await harness.state(purchase_id) == "processing"
    assert await harness.invoice_harness.grants() == []
    assert row.received_sat == 5_000


async def test_an_absence_ends(harness: WatcherHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """After some two weeks of blocks it is given up; a block that holds it after all still settles."""
    monkeypatch.setattr(absent_payments, "LONGEST_ABSENCE", 5)
    purchase_id, address = await harness.invoice()
    txid = await harness.chain.pay(address, Sat(5_000))
    await harness.watcher.sync()
    sent = harness.chain._waiting[txid]
    await harness.chain.drop(txid)
    await harness.watcher.sync()
    await harness.chain.mine(4)
    assert await harness.state(purchase_id) == "processing"
    await harness.chain.mine(1)
    assert await harness.state(purchase_id) == "new"
    harness.chain._waiting[txid] = sent
    await harness.chain.mine()
    assert await harness.state(purchase_id) == "settled"


async def test_what_is_deep_is_not_kept(harness: WatcherHarness) -> None:
    purchase_id, address = await harness.invoice()
    await harness.chain.pay(address, Sat(5_000))
    assert await harness.state(purchase_id) == "processing"
    assert len(await harness.invoice_harness.store.read(absent_payments.kept_transactions)) == 1
    await harness.chain.mine(block_processing.DEEPEST)
    assert await harness.state(purchase_id) == "settled"
    assert len(await harness.invoice_harness.store.read(absent_payments.kept_transactions)) == 1
    await harness.chain.mine()
    await harness.watcher.sync()
    assert await harness.invoice_harness.store.read(absent_payments.kept_transactions) == []


# On a real node


@pytest.fixture
async def real(store: Store, own_regtest: RegtestNode) -> AsyncIterator[WatcherHarness]:
    source = BitcoindSource(own_regtest.client(), "regtest")
    harness = WatcherHarness(await open_invoice_harness(store), source)  # type: ignore[arg-type]
    yield harness
    await source.close()


async def synced(harness: WatcherHarness) -> None:
    """A node that was restarted is waited for."""

    async def once() -> bool:
        try:
            await harness.watcher.sync()
        except ChainError:
            return False
        return True

    await eventually(once, 60)


async def crash(node: RegtestNode) -> None:
    """Its mempool is gone, and nothing but the gateway remembers what was in it."""
    await node.rpc("gettxoutsetinfo")  # writes its blocks to disk
    await asyncio.to_thread(node.kill)
    node.launch("-persistmempool=0")

    async def answers() -> bool:
        try:
            await node.rpc("getblockcount")
        except ChainError:
            return False
        return True

    await eventually(answers, 60)
    await node.rpc("generatetodescriptor", 1, "raw(51)")  # else it takes itself to be catching up


@pytest.mark.node
async def test_a_node_that_crashed_is_given_the_payment_again(real: WatcherHarness, own_regtest: RegtestNode) -> None:
    """With the unconfirmed ancestor that it hangs on, in the right order."""
    (_, elsewhere) = fresh_destinations(1)[0]
    everything = int((await own_regtest.rpc("getbalance", wallet="demo")) * 100_000_000)
    parent = await own_regtest.pay(elsewhere, Sat(everything // 2))
    purchase_id, address = await real.invoice()
    child = await own_regtest.pay(address, Sat(5_000))
    await synced(real)
    assert await real.invoice_harness.state(purchase_id) == "processing"
    await crash(own_regtest)
    assert not set(await own_regtest.rpc("getrawmempool")) & {parent, child}
    await synced(real)
    assert await real.invoice_harness.state(purchase_id) == "processing"
    assert child in await own_regtest.rpc("getrawmempool")
    await synced(real)
    assert (await real.invoice_harness.look(purchase_id)).marks == ""
    await own_regtest.rpc("generatetodescriptor", 1, "raw(51)")
    await synced(real)
    assert await real.invoice_harness.state(purchase_id) == "settled"


@pytest.mark.node
async def test_a_real_replacement_withdraws(real: WatcherHarness, own_regtest: RegtestNode) -> None:
    """In the mempool; and in a block, while the gateway was away."""
    for mined in (False, True):
        purchase_id, address = await real.invoice()
        txid = await own_regtest.pay(address, Sat(5_000))
        await synced(real)
        assert await real.invoice_harness.state(purchase_id) == "processing"
        await own_regtest.replace(txid)
        if mined:
            await own_regtest.mine()
            real.watcher = Watcher(real.invoice_harness.store, real.chain, real.scripts, clock=real.clock)
        await synced(real)
        row = await real.invoice_harness.look(purchase_id)
        assert (row.state, row.received_sat, row.marks) == ("new", 0, "")
        await own_regtest.mine()
