"""A real node in every condition it can be in: the ledger waits, says why, and goes on where it stood."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.accounts import fresh_destinations
from support.eventually import eventually
from support.invoice_harness import InvoiceHarness, open_invoice_harness

from bitcache.block_processing import DEEPEST
from bitcache.chain_errors import ChainError, NodePruned, NodeWarmingUp, NodeWrongNetwork
from bitcache.identifiers import PurchaseId
from bitcache.money import Sat
from bitcache.storage.database import Store
from wallet.chain.bitcoind_source import BitcoindSource
from wallet.chain.chain_source import Forward
from wallet.chain.regtest_node import RegtestNode
from wallet.chain.simulated_chain import SimulatedChain
from wallet.watcher import Watcher

pytestmark = pytest.mark.node


class Watched:
    """A listing with invoices, watched on a node."""

    def __init__(self, invoice_harness: InvoiceHarness, node: RegtestNode) -> None:
        self.invoice_harness = invoice_harness
        self.source = BitcoindSource(node.client(), "regtest")
        self.scripts: set[bytes] = set()
        self.watcher = Watcher(invoice_harness.store, self.source, self.scripts)

    async def invoice(self) -> tuple[PurchaseId, str]:
        ((script, address),) = fresh_destinations(1)
        purchase_id = await self.invoice_harness.invoice(script, address)
        self.scripts.add(script)
        return purchase_id, address

    async def synced(self) -> bool:
        """One attempt, as ``run`` makes them."""
        return await self.watcher.attempt()


@asynccontextmanager
async def watched(store: Store, node: RegtestNode) -> AsyncIterator[Watched]:
    watched = Watched(await open_invoice_harness(store), node)
    await watched.source.open()
    try:
        yield watched
    finally:
        await watched.source.close()


@asynccontextmanager
async def bare_node(program: Path) -> AsyncIterator[RegtestNode]:
    """A second node, whose chain is the genesis block alone."""
    node = RegtestNode(None, program)
    node.launch()

    async def answers() -> bool:
        try:
            return (await node.rpc("getblockcount")) == 0
        except ChainError:
            return False

    try:
        await eventually(answers)
        yield node
    finally:
        await node.stop()


async def send(source: RegtestNode, target: RegtestNode, heights: range, *, whole: bool) -> None:
    """Blocks, or their headers alone, from one node to another."""
    for height in heights:
        digest = await source.rpc("getblockhash", height)
        if whole:
            await target.rpc("submitblock", await source.rpc("getblock", digest, 0))
        else:
            await target.rpc("submitheader", await source.rpc("getblockheader", digest, False))


async def test_pruned_is_said_loudly_and_payments_come_after_the_block_is_back(
    own_regtest: RegtestNode, bitcoind: Path, store: Store
) -> None:
    """The cursor's next block is gone; a peer that has it is asked, and watching goes on by itself."""
    await own_regtest.restart("-prune=1", "-fastprune")
    async with watched(store, own_regtest) as harness, bare_node(bitcoind) as peer:
        purchase_id, address = await harness.invoice()
        assert await harness.synced()
        cursor = await harness.invoice_harness.cursor()
        assert cursor is not None
        await own_regtest.pay(address, Sat(5_000))
        await own_regtest.mine(600)
        tip = await own_regtest.rpc("getblockcount")
        await send(own_regtest, peer, range(1, tip + 1), whole=True)
        await own_regtest.rpc("pruneblockchain", 400)
        assert not await harness.synced()
        error = harness.watcher.status.error
        assert isinstance(error, NodePruned)
        assert f"block {cursor.height + 1}" in str(error)
        assert "getblockfrompeer" in error.advice
        assert await harness.invoice_harness.cursor() == cursor, "nothing was passed over"
        assert harness.watcher.status.failures["node_pruned"] == 1
        host, port = peer.p2p
        await own_regtest.rpc("addnode", f"{host}:{port}", "onetry")

        async def caught_up() -> bool:
            for _ in range(700):
                if await harness.synced():
                    return True
                await asyncio.sleep(0.01)
            return False

        await eventually(caught_up, 120)
        assert await harness.invoice_harness.state(purchase_id) == "settled"


async def test_behind_pauses_expiry(own_regtest: RegtestNode, bitcoind: Path, store: Store) -> None:
    """It knows of headers whose blocks it lacks: what was paid in them is not called late."""
    async with watched(store, own_regtest) as harness, bare_node(bitcoind) as ahead:
        tip = await own_regtest.rpc("getblockcount")
        await send(own_regtest, ahead, range(1, tip + 1), whole=True)
        _, address = fresh_destinations(1)[0]
        await ahead.rpc("generatetoaddress", 3, address)
        await send(ahead, own_regtest, range(tip + 1, tip + 4), whole=False)
        purchase_id = await harness.invoice_harness.invoice(b"script", "address", expires_at=1)
        assert await harness.synced()
        status = await harness.source.status()
        assert not status.synced
        assert status.headers == status.height + 3
        assert await harness.invoice_harness.state(purchase_id) == "new"
        await send(ahead, own_regtest, range(tip + 1, tip + 4), whole=True)
        assert await harness.synced()
        assert await harness.invoice_harness.state(purchase_id) == "expired"


@pytest.mark.parametrize("headers", [False, True], ids=["without our headers", "with our headers"])
async def test_another_data_folder_that_catches_up_undoes_nothing(
    own_regtest: RegtestNode, bitcoind: Path, store: Store, headers: bool
) -> None:
    """A node that knows our blocks' headers alone says that they are off its chain: that is no reorganisation."""
    await own_regtest.mine()
    tip = await own_regtest.rpc("getblockcount")
    async with watched(store, own_regtest) as harness:
        purchase_id, address = await harness.invoice()
        await own_regtest.pay(address, Sat(5_000))
        await own_regtest.mine()
        assert await harness.synced()
        assert await harness.invoice_harness.state(purchase_id) == "settled"
        cursor = await harness.invoice_harness.cursor()
        async with bare_node(bitcoind) as fresh:
            if headers:
                await send(own_regtest, fresh, range(1, tip + 2), whole=False)
            later = Watcher(store, other := BitcoindSource(fresh.client(), "regtest"), harness.scripts)
            assert not await later.attempt()
            assert isinstance(later.status.error, NodeWarmingUp)
            assert "data folder" in later.status.error.advice
            assert await harness.invoice_harness.cursor() == cursor
            assert await harness.invoice_harness.state(purchase_id) == "settled"
            await send(own_regtest, fresh, range(1, tip + 2), whole=True)
            assert await later.attempt()
            assert await harness.invoice_harness.state(purchase_id) == "settled"
            await other.close()


@pytest.mark.parametrize("option", ["-reindex", "-reindex-chainstate"])
async def test_reindexing_undoes_nothing(own_regtest: RegtestNode, store: Store, option: str) -> None:
    """Watched all the while, at every instant that it answers."""
    await own_regtest.mine(300)
    async with watched(store, own_regtest) as harness:
        purchase_id, address = await harness.invoice()
        await own_regtest.pay(address, Sat(5_000))
        await own_regtest.mine()
        assert await harness.synced()
        cursor = await harness.invoice_harness.cursor()
        await own_regtest.stop_process()
        own_regtest.launch(option)

        async def back() -> bool:
            done = await harness.synced()
            assert await harness.invoice_harness.cursor() == cursor
            assert await harness.invoice_harness.state(purchase_id) == "settled"
            return done

        await eventually(back, 60)


async def test_another_chain_is_refused_before_anything_is_undone(store: Store) -> None:
    """Deeper than any reorganisation: the ledger keeps what it has."""
    chain = SimulatedChain()
    await chain.mine(20)
    invoice_harness = await open_invoice_harness(store)
    ((script, address),) = fresh_destinations(1)
    purchase_id = await invoice_harness.invoice(script, address)
    scripts = {script}
    await Watcher(store, chain, scripts).sync()
    await chain.pay(address, Sat(5_000))
    await chain.mine(DEEPEST + 10)
    await Watcher(store, chain, scripts).sync()
    cursor = await invoice_harness.cursor()
    other = SimulatedChain()
    await other.mine(500)
    with pytest.raises(NodeWrongNetwork, match="another chain") as caught:
        await Watcher(store, other, scripts).sync()
    assert "rescan" in caught.value.advice
    assert (await invoice_harness.cursor(), await invoice_harness.state(purchase_id)) == (cursor, "settled")
    await chain.reorg(DEEPEST - 10)
    await Watcher(store, chain, scripts).sync()
    assert await invoice_harness.cursor() == await chain.tip()


async def test_zmq_that_goes_and_comes_back_with_the_node(
    own_regtest: RegtestNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Started without it, restarted with it: payments are seen early again, with nothing to be done."""
    monkeypatch.setattr("wallet.chain.bitcoind_source.ASK_AGAIN_SECONDS", 0.2)
    await own_regtest.restart("-nozmqpubrawtx")
    source = BitcoindSource(own_regtest.client(), "regtest")
    await source.open()
    ((script, address),) = fresh_destinations(1)
    scripts = {script}

    async def hears() -> bool:
        await own_regtest.pay(fresh_destinations(1)[0][1], Sat(1_000))
        await asyncio.sleep(0.1)
        return source.hears_zmq

    try:
        tip = await source.tip()
        assert not source.hears_zmq
        await own_regtest.restart()
        await eventually(hears, 30)
        await own_regtest.pay(address, Sat(1_111))
        assert [payment.amount for payment in await source.unconfirmed(scripts)] == [1_111]
        await own_regtest.mine()
        step = await source.step(tip, scripts)
        assert isinstance(step, Forward)
    finally:
        await source.close()
