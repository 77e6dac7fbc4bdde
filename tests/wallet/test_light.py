"""The light client beyond its contract: away, several accounts, growth, bad peers, and who waits for it.

All against a real node's filters over the peer-to-peer network.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.accounts import fresh_account
from support.eventually import eventually
from support.light import PromptLight
from support.socks import proxy_to_anything

from bench.light import turn
from bitcache.chain_errors import ChainError, NodeRefused, NodeUnreachable, NodeWrongNetwork
from bitcache.chain_types import BlockRef, Payment
from bitcache.errors import InvalidSettings
from bitcache.money import Sat, btc_text
from wallet.account import Account
from wallet.chain.chain_source import Back, ChainSource
from wallet.chain.light.light_source import LightSource
from wallet.chain.regtest_node import RegtestNode

pytestmark = pytest.mark.node


@dataclass
class Watch:
    """What a watcher would remember across restarts, and the accounts that it watches."""

    node: RegtestNode
    folder: Path
    scripts: dict[bytes, str] = field(default_factory=dict)
    blocks: list[BlockRef] = field(default_factory=list)
    payments: dict[BlockRef, tuple[Payment, ...]] = field(default_factory=dict)
    backs: int = 0

    def issue(self, account: Account, index: int) -> str:
        """An address, committed before it is shown."""
        script, address = account.derive(index)
        self.scripts[script] = address
        return address

    async def pay(self, account: Account, index: int, amount: int) -> None:
        """To an address that is issued now."""
        await self.node.pay(self.issue(account, index), Sat(amount))

    @asynccontextmanager
    async def running(self, **options: Any) -> AsyncIterator[PromptLight]:
        """A light client, as after a start."""
        source = PromptLight(self.node, self.folder, **options)
        await LightSource.open(source)
        try:
            if not self.blocks:
                self.blocks.append(await source.tip())
            yield source
        finally:
            await source.close()

    async def follow(self, source: ChainSource) -> None:
        """To the node's newest block."""
        while step := await source.step(self.blocks[-1], self.scripts):
            if isinstance(step, Back):
                self.payments.pop(self.blocks.pop(), None)
                self.backs += 1
            else:
                assert step.block.height == self.blocks[-1].height + 1
                self.blocks.append(step.block)
                self.payments[step.block] = step.payments
        assert self.blocks[-1].hash == await self.node.rpc("getbestblockhash")

    def amounts(self) -> list[int]:
        """Everything in blocks."""
        return sorted(payment.amount for block in self.blocks for payment in self.payments.get(block, ()))


@pytest.fixture
async def watch(regtest: RegtestNode, tmp_path: Path) -> Watch:
    return Watch(regtest, tmp_path)


async def test_what_was_paid_while_away_is_found(watch: Watch) -> None:
    account = fresh_account()
    async with watch.running() as source:
        await watch.pay(account, 0, 1_000)
        await watch.node.mine()
        await watch.follow(source)
    await watch.pay(account, 1, 2_000)
    await watch.node.mine(3)
    await watch.pay(account, 0, 3_000)
    await watch.node.mine(2)
    async with watch.running() as source:
        await watch.follow(source)
    assert watch.amounts() == [1_000, 2_000, 3_000]
    assert watch.backs == 0


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5, 6])
async def test_a_reorganisation_while_away_is_undone_exactly(watch: Watch, depth: int) -> None:
    account = fresh_account()
    async with watch.running() as source:
        await watch.pay(account, 0, 1_000)
        await watch.node.mine(depth)
        await watch.follow(source)
    await watch.node.reorg(depth)
    await watch.pay(account, 1, 2_000)
    async with watch.running() as source:
        await watch.follow(source)
        assert watch.backs == depth
        assert watch.amounts() == []
        await watch.node.mine()
        await watch.follow(source)
    assert watch.amounts() == [1_000, 2_000]


async def test_a_reorganisation_deeper_than_a_client_can_follow(watch: Watch) -> None:
    """It fails, and another begins below the fork."""
    account = fresh_account()
    async with watch.running() as source:
        await watch.pay(account, 0, 1_000)
        await watch.node.mine(20)
        await watch.follow(source)
    async with watch.running() as source:
        await watch.follow(source)
        await watch.node.reorg(19)
        await watch.node.mine()
        await watch.follow(source)
    assert watch.backs == 19
    assert watch.amounts() == [1_000]


async def test_headers_that_were_lost_or_torn_cost_no_payment(watch: Watch) -> None:
    account = fresh_account()
    async with watch.running() as source:
        await watch.pay(account, 0, 1_000)
        await watch.node.mine()
        await watch.follow(source)
    file = watch.folder / "regtest" / "headers.dat"
    whole = file.read_bytes()
    for torn in (b"", whole[:-35], whole[:800] + b"x" + whole[801:], b"nonsense"):
        file.write_bytes(torn)
        await watch.pay(account, 1, 2_000)
        await watch.node.mine()
        async with watch.running() as source:
            await watch.follow(source)
    assert watch.amounts() == [1_000] + [2_000] * 4
    assert watch.backs == 0


@pytest.mark.parametrize("depth", [1, 4, 6])
async def test_two_accounts_are_one_chain(watch: Watch, depth: int) -> None:
    """Also when one transaction pays both, and when the chain is reorganised under both clients."""
    first, second = fresh_account("wpkh"), fresh_account("tr")
    async with watch.running() as source:
        both = {watch.issue(first, 0): btc_text(Sat(1_000)), watch.issue(second, 0): btc_text(Sat(2_000))}
        await watch.node.rpc("sendmany", "", both, wallet="demo")
        await watch.node.mine(depth)
        await watch.follow(source)
        assert watch.amounts() == [1_000, 2_000]
        await watch.node.reorg(depth)
        await watch.follow(source)
        assert watch.amounts() == []
        await watch.pay(second, 1, 3_000)
        await watch.node.mine()
        await watch.follow(source)
    assert watch.amounts() == [1_000, 2_000, 3_000]
    assert watch.backs == depth


async def test_an_address_issued_just_before_its_block(watch: Watch) -> None:
    """Addresses are read at every block, so one that the client never heard of before is found."""
    account = fresh_account()
    async with watch.running() as source:
        for index in (0, 11, 401):
            await watch.pay(account, index, 1_000 + index)
            await watch.node.mine()
            await watch.follow(source)
    assert watch.amounts() == [1_000, 1_011, 1_401]


async def test_the_peer_restarts(own_regtest: RegtestNode, tmp_path: Path) -> None:
    watch, account = Watch(own_regtest, tmp_path), fresh_account()
    async with watch.running() as source:
        await watch.pay(account, 0, 1_000)
        await own_regtest.mine()
        await watch.follow(source)
        await own_regtest.rpc("stop")
        began = time.monotonic()
        with pytest.raises(NodeUnreachable):
            await _until_it_fails(source, watch)
        assert time.monotonic() - began < 30
        assert not (await LightSource.status(source)).reachable
        own_regtest.launch()
        await own_regtest.ready()
        await eventually(lambda: _is_reachable(source), 30)  # it asks once a second
        await watch.pay(account, 1, 2_000)
        await own_regtest.mine()
        await watch.follow(source)
    assert watch.amounts() == [1_000, 2_000]


async def _until_it_fails(source: LightSource, watch: Watch) -> None:
    while True:
        await LightSource.step(source, watch.blocks[-1], watch.scripts)
        await LightSource.wait(source, 1)


async def _is_reachable(source: LightSource) -> bool:
    return (await LightSource.status(source)).reachable


async def _is_at(source: LightSource, digest: str) -> bool:
    return (await source.tip()).hash == digest


@asynccontextmanager
async def _failing(network: str, peer: str, folder: Path) -> AsyncIterator[ChainError]:
    """The error of a client with this peer, the same for every question, each answered soon."""
    source = LightSource(network, folder, peers=[peer])
    await source.open()
    began = time.monotonic()
    with pytest.raises(ChainError) as raised:
        await source.tip()
    status = await source.status()
    assert (status.reachable, status.synced, type(status.error)) == (False, False, raised.type)
    assert time.monotonic() - began < 15
    yield raised.value
    await source.close()


async def test_nobody_listens(tmp_path: Path) -> None:
    async with _failing("regtest", "127.0.0.1:1", tmp_path) as error:
        assert isinstance(error, NodeUnreachable)
        assert "peers" in error.advice


@pytest.mark.parametrize("network", ["main", "signet"])
async def test_a_peer_on_another_network(regtest: RegtestNode, tmp_path: Path, network: str) -> None:
    async with _failing(network, "{}:{}".format(*regtest.p2p), tmp_path) as error:
        assert isinstance(error, NodeWrongNetwork)
        assert "follows regtest" in str(error)


async def test_a_peer_without_filters(own_regtest: RegtestNode, tmp_path: Path) -> None:
    await own_regtest.restart("-peerblockfilters=0")
    async with _failing("regtest", "{}:{}".format(*own_regtest.p2p), tmp_path) as error:
        assert isinstance(error, NodeRefused)
        assert "-peerblockfilters=1" in error.advice


async def test_a_peer_that_is_down_is_made_up_for_by_another_but_not_by_fewer(watch: Watch, tmp_path: Path) -> None:
    """Two must agree: with one of two there is no answer, and the status says so."""
    peer = "{}:{}".format(*watch.node.p2p)
    async with watch.running(peers=["127.0.0.1:1", peer], connections=1) as source:
        await watch.pay(fresh_account(), 0, 1_000)
        await watch.node.mine()
        await watch.follow(source)
    assert watch.amounts() == [1_000]
    alone = LightSource("regtest", tmp_path / "alone", peers=["127.0.0.1:1", peer], connections=2)
    await alone.open()
    await eventually(lambda: _is_reachable(alone))
    status = await alone.status()
    assert (status.synced, status.peers) == (False, 1)
    assert "only 1 of the 2 peers" in str(status.error)
    with pytest.raises(NodeUnreachable):
        await alone.step(watch.blocks[-1], watch.scripts)
    await alone.close()


async def test_through_a_proxy(watch: Watch) -> None:
    async with proxy_to_anything() as (address, targets), watch.running(proxy=address) as source:
        await watch.pay(fresh_account(), 0, 1_000)
        await watch.node.mine()
        await watch.follow(source)
    assert watch.amounts() == [1_000]
    assert set(targets) == {watch.node.p2p}


@pytest.mark.parametrize(
    "options",
    [
        {"peers": ["host:port"]},
        {"peers": [":8333"]},
        {"peers": ["a:99999"]},
        {"connections": 0},
        {"proxy": "127.0.0.1:9050"},
    ],
)
def test_settings_that_cannot_be_meant(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidSettings):
        LightSource("main", tmp_path, **options)


async def test_without_accounts_the_chain_is_followed(watch: Watch) -> None:
    async with watch.running() as source:
        await watch.node.mine(2)
        await watch.follow(source)
        assert len(watch.blocks) == 3
        status = await source.status()
    assert (status.synced, status.peers, status.height) == (True, 1, watch.blocks[-1].height)


async def _longest_wait(watch: Watch, index: int) -> float:
    """How long the event loop stood still while a client began, and a block was looked at."""
    gaps = [0.0]
    turning = asyncio.create_task(turn(gaps))
    async with watch.running() as source:
        await watch.pay(fresh_account(), index, 1_000)
        await watch.node.mine()
        gaps[:] = [0.0]
        await watch.follow(source)
    turning.cancel()
    return max(gaps)


@pytest.mark.slow
async def test_nobody_waits_while_a_hundred_thousand_addresses_are_looked_at(watch: Watch) -> None:
    """Matching is done in another thread.  A busy machine makes everybody wait, so: the best of three, and generous."""
    watch.scripts.update({bytes([0, 20]) + number.to_bytes(20): "" for number in range(100_000)})
    waits = [await _longest_wait(watch, number) for number in range(3)]
    assert watch.amounts() == [1_000] * 3
    assert min(waits) < 0.5, waits
