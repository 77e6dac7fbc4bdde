"""The bitcoind source against a real node that goes away, comes back, lies elsewhere or forgets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from support.accounts import fresh_destinations
from support.eventually import eventually

from bitcache.chain_errors import (
    ChainError,
    NodeAuthFailed,
    NodePruned,
    NodeRefused,
    NodeUnreachable,
    NodeWarmingUp,
    NodeWrongNetwork,
)
from bitcache.chain_types import BlockRef
from bitcache.money import Sat
from wallet.chain.bitcoind_source import BitcoindSource
from wallet.chain.chain_source import Forward
from wallet.chain.node_rpc import NodeRpc
from wallet.chain.regtest_node import WALLET, RegtestNode

pytestmark = pytest.mark.node


@asynccontextmanager
async def following(node: RegtestNode, **options: Any) -> AsyncIterator[BitcoindSource]:
    """A source, opened."""
    source = BitcoindSource(node.client(), "regtest", **options)
    await source.open()
    try:
        yield source
    finally:
        await source.close()


async def works(source: BitcoindSource) -> bool:
    """Whether the node answers."""
    try:
        await source.tip()
    except ChainError:
        return False
    return True


async def test_it_says_what_it_is(regtest: RegtestNode) -> None:
    async with following(regtest) as source:
        assert source.name == "bitcoind"
        status = await source.status()
        assert source.name == f"bitcoind {status.version}"
        assert status.version.count(".") == 2


async def test_a_restart_loses_nothing(own_regtest: RegtestNode) -> None:
    """Blocks and payments from before, during and after the node's absence; its cookie is a new one."""
    ((script, address),) = fresh_destinations(1)
    scripts = {script: 1}
    async with following(own_regtest) as source:
        cursor = await source.tip()
        await own_regtest.pay(address, Sat(1_111))
        await own_regtest.mine()
        before = await own_regtest.pay(address, Sat(2_222))
        await own_regtest.stop_process()
        with pytest.raises(NodeUnreachable):
            await source.step(cursor, scripts)
        status = await source.status()
        assert not status.reachable
        assert isinstance(status.error, NodeUnreachable)
        own_regtest.launch()
        await eventually(lambda: works(source))
        step = await source.step(cursor, scripts)
        assert isinstance(step, Forward)
        assert [payment.amount for payment in step.payments] == [1_111]
        waiting = await source.unconfirmed(scripts)
        assert [payment.reference.split(":")[0] for payment in waiting] == [before], "the mempool was kept"


async def test_a_killed_node_comes_back(own_regtest: RegtestNode) -> None:
    async with following(own_regtest) as source:
        assert await works(source)
        own_regtest.kill()
        assert not await works(source)
        await own_regtest.restart()
        assert await works(source)


async def test_news_arrives_again_after_a_restart(own_regtest: RegtestNode) -> None:
    """The long poll and ZMQ both reconnect by themselves."""
    ((script, address),) = fresh_destinations(1)
    scripts = {script: 1}
    async with following(own_regtest) as source:
        await source.unconfirmed(scripts)
        await own_regtest.restart()

        async def sees() -> bool:
            try:
                return len(await source.unconfirmed(scripts)) == 1
            except ChainError:
                return False

        await own_regtest.pay(address, Sat(1_111))
        await eventually(sees)
        tip = await source.tip()
        await own_regtest.mine()
        await asyncio.wait_for(source.wait(60), 8)
        assert isinstance(await source.step(tip, scripts), Forward)


async def test_without_zmq_the_mempool_is_read_all_the_same(
    own_regtest: RegtestNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wallet.chain.bitcoind_source.POLL_SECONDS", 0.2)
    await own_regtest.restart("-nozmqpubrawtx")
    ((script, address),) = fresh_destinations(1)
    async with following(own_regtest) as source:
        await own_regtest.pay(address, Sat(1_111))
        assert len(await source.unconfirmed({script: 1})) == 1
        for _ in range(3):  # nothing happens, and yet the watcher is woken to read it again
            await asyncio.wait_for(source.wait(60), 5)


async def test_lost_zmq_messages_cost_no_payment(own_regtest: RegtestNode) -> None:
    """ZMQ that never says anything, at an address where nobody is."""
    ((script, address),) = fresh_destinations(1)
    async with following(own_regtest, zmq_address="tcp://127.0.0.1:1") as source:
        await source.unconfirmed({script: 1})
        await own_regtest.pay(address, Sat(1_111))
        assert len(await source.unconfirmed({script: 1})) == 1


async def test_another_network_is_refused(regtest: RegtestNode) -> None:
    source = BitcoindSource(regtest.client(), "main")
    cursor = BlockRef(1, "00" * 32)
    for ask in (source.tip(), source.at(1), source.step(cursor, {})):
        with pytest.raises(NodeWrongNetwork, match="regtest"):
            await ask
    assert isinstance((await source.status()).error, NodeWrongNetwork)
    await source.close()


async def test_a_wrong_password_is_said(regtest: RegtestNode) -> None:
    source = BitcoindSource(NodeRpc(regtest.url, user="u", password="wrong"), "regtest")
    with pytest.raises(NodeAuthFailed):
        await source.tip()
    assert isinstance((await source.status()).error, NodeAuthFailed)
    await source.close()


async def test_a_node_that_starts_over_is_waited_for(own_regtest: RegtestNode) -> None:
    """With -reindex it knows less than before for a while; its old blocks are not taken for reorganised."""
    async with following(own_regtest) as source:
        tip = await source.tip()
        real = source._rpc.call

        async def reindexing(method: str, *params: Any, timeout: float | None = None) -> Any:
            if method == "getblockheader":
                raise NodeRefused("Block not found", rpc_code=-5)
            answer = await real(method, *params, timeout=timeout)
            return {**answer, "initialblockdownload": True, "blocks": 5} if method == "getblockchaininfo" else answer

        source._rpc.call = reindexing  # type: ignore[method-assign]
        with pytest.raises(NodeWarmingUp, match="at block 5"):
            await source.step(tip, {})


async def test_a_block_that_does_not_follow_is_refused(regtest: RegtestNode) -> None:
    async with following(regtest) as source:
        tip = await source.tip()
        cursor = await source.at(tip.height - 3)
        other = await regtest.rpc("getblock", tip.hash, 0)
        real = source._rpc.call

        async def lying(method: str, *params: Any, timeout: float | None = None) -> Any:
            return other if method == "getblock" else await real(method, *params, timeout=timeout)

        source._rpc.call = lying  # type: ignore[method-assign]
        with pytest.raises(NodeRefused, match="does not follow"):
            await source.step(cursor, {})


async def test_pruned_blocks_are_named_as_the_reason(own_regtest: RegtestNode) -> None:
    await own_regtest.restart("-prune=1", "-fastprune")
    async with following(own_regtest) as source:
        early = await source.at(5)
        assert isinstance(await source.step(early, {}), Forward)
        await own_regtest.mine(600)
        await own_regtest.rpc("pruneblockchain", 300)
        with pytest.raises(NodePruned):
            await source.step(early, {})


async def test_blocks_come_by_rest_where_the_node_offers_it(
    own_regtest: RegtestNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Switched on at a restart: the next blocks are not asked by RPC any more, and are the same; off again, they are
    asked."""
    ((script, address),) = fresh_destinations(1)
    asked: list[str] = []
    real = NodeRpc.call

    async def call(self: NodeRpc, method: str, *params: Any, timeout: float | None = None) -> Any:
        asked.append(method)
        return await real(self, method, *params, timeout=timeout)

    monkeypatch.setattr(NodeRpc, "call", call)
    async with following(own_regtest) as source:
        cursor = await source.tip()
        await own_regtest.pay(address, Sat(1_111))
        await own_regtest.mine()
        by_rpc = await source.step(cursor, {script: 1})
        for options, others in ((["-rest"], 0), ([], 1)):
            await own_regtest.restart(*options)
            await works(source)  # the first call may find the old connection closed
            await eventually(lambda: works(source))
            asked.clear()
            assert await source.step(cursor, {script: 1}) == by_rpc
            assert asked.count("getblock") == others


async def test_a_page_instead_of_a_block_is_not_taken(regtest: RegtestNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever answers to a REST address with 200: only the block that was asked for counts."""

    async def page(self: NodeRpc, path: str) -> bytes:
        return b"<html>" + bytes(1000)

    monkeypatch.setattr(NodeRpc, "rest", page)
    await regtest.mine()
    async with following(regtest) as source:
        tip = await source.tip()
        parent = await source.at(tip.height - 1)
        step = await source.step(parent, {})
        assert isinstance(step, Forward)
        assert step.block == tip


async def test_its_fee_estimate_is_the_nodes(own_regtest: RegtestNode) -> None:
    """None until it has seen some blocks of payments; these pay 25 satoshis a virtual byte."""
    async with following(own_regtest) as source:
        assert await source.fee_rate() is None
        for _ in range(6):
            for _ in range(8):
                sent = ["", {await own_regtest.address(): "0.001"}, 1, "", [], True, None, "unset", 25]
                await own_regtest.rpc("sendmany", *sent, wallet=WALLET)
            await own_regtest.mine()
        assert await source.fee_rate() == pytest.approx(25_000, rel=0.05)
        own_regtest.kill()
        with pytest.raises(NodeUnreachable):
            await source.fee_rate()
