"""The light client beyond its contract: away, several accounts, growth, bad peers, and who waits for it.

All against a real node's filters over the peer-to-peer network.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
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
from bitcache.errors import ChainError, InvalidSettings, NodeRefused, NodeUnreachable, NodeWrongNetwork
from bitcache.ledger import BlockRef, Payment
from bitcache.money import Sat, btc_text
from wallet.account import Account
from wallet.chain.base import Back, ChainSource
from wallet.chain.light import source as light_module
from wallet.chain.light.source import LightSource
from wallet.chain.regtest import RegtestNode

pytestmark = pytest.mark.node
LOOKAHEAD = 20


@dataclass
class Watch:
    """What a watcher would remember across restarts, and the accounts that it watches."""

    node: RegtestNode
    folder: Path
    issued: dict[str, int] = field(default_factory=dict)
    scripts: dict[bytes, str] = field(default_factory=dict)
    blocks: list[BlockRef] = field(default_factory=list)
    payments: dict[BlockRef, tuple[Payment, ...]] = field(default_factory=dict)
    backs: int = 0

    def issue(self, account: Account, index: int) -> str:
        """An address, committed before it is shown."""
        script, address = account.derive(index)
        self.scripts[script] = address
        self.issued[account.text] = max(self.issued.get(account.text, 0), index + 1)
        return address

    async def pay(self, account: Account, index: int, amount: int) -> None:
        """To an address that is issued now."""
        await self.node.pay(self.issue(account, index), Sat(amount))

    @asynccontextmanager
    async def running(self, **options: Any) -> AsyncIterator[PromptLight]:
        """A light client, as after a start."""
        source = PromptLight(self.node, self.issued, self.folder, **{"lookahead": LOOKAHEAD, **options})
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
        await watch.node.rpc("sendmany", "", both, wallet="purse")
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


@pytest.mark.parametrize("issued_before", [0, 1, 5])
async def test_the_last_index_that_a_client_looks_at(watch: Watch, issued_before: int) -> None:
    """One further and another client must answer; at the edge this one does, so it had better look there."""
    account = fresh_account()
    watch.issued[account.text] = issued_before
    async with watch.running() as source:
        await watch.node.mine()
        await watch.follow(source)
        await watch.pay(account, issued_before + LOOKAHEAD - 1, 4_000)
        await watch.node.mine()
        await watch.follow(source)
        assert watch.amounts() == [4_000]
        await watch.pay(account, issued_before + LOOKAHEAD, 5_000)
        await watch.node.mine()
        await watch.follow(source)
    assert watch.amounts() == [4_000, 5_000]


async def test_addresses_far_beyond_the_lookahead(watch: Watch) -> None:
    """Ten times the lookahead is issued at once, and the last address is paid in the next block."""
    account = fresh_account()
    async with watch.running() as source:
        for index in (0, 10, 11, 35, 200, 401):
            await watch.pay(account, index, 1_000 + index)
            await watch.node.mine()
            await watch.follow(source)
    assert watch.amounts() == [1_000, 1_010, 1_011, 1_035, 1_200, 1_401]


async def test_an_address_issued_while_the_accounts_are_read(regtest: RegtestNode, tmp_path: Path) -> None:
    """The answer was old when the block arrived: it must be read again, or the payment would be overlooked."""
    watch, account = Watch(regtest, tmp_path), fresh_account()
    watch.issue(account, 0)
    source: LightSource
    meanwhile = False

    async def accounts() -> Mapping[str, int]:
        nonlocal meanwhile
        before = dict(watch.issued)
        if meanwhile:
            meanwhile = False
            await watch.pay(account, 300, 6_000)
            await regtest.mine()
            best = await regtest.rpc("getbestblockhash")
            await eventually(lambda: _is_at(source, best))
        return before

    source = LightSource("regtest", accounts, tmp_path, peers=["{}:{}".format(*regtest.p2p)], lookahead=LOOKAHEAD)
    await source.open()
    watch.blocks.append(await source.tip())
    assert await source.step(watch.blocks[-1], watch.scripts) is None
    meanwhile = True
    await watch.follow(source)
    await source.close()
    assert watch.amounts() == [6_000]


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


async def _nothing() -> Mapping[str, int]:
    return {}


@asynccontextmanager
async def _failing(network: str, peer: str, folder: Path) -> AsyncIterator[ChainError]:
    """The error of a client with this peer, the same for every question, each answered soon."""
    source = LightSource(network, _nothing, folder, peers=[peer])
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


async def test_one_of_two_peers_is_enough(watch: Watch) -> None:
    peers = ["127.0.0.1:1", "{}:{}".format(*watch.node.p2p)]
    async with watch.running(peers=peers, connections=2) as source:
        await watch.pay(fresh_account(), 0, 1_000)
        await watch.node.mine()
        await watch.follow(source)
    assert watch.amounts() == [1_000]


async def test_through_a_proxy(watch: Watch) -> None:
    async with proxy_to_anything() as (address, targets), watch.running(proxy=address) as source:
        await watch.pay(fresh_account(), 0, 1_000)
        await watch.node.mine()
        await watch.follow(source)
    assert watch.amounts() == [1_000]
    assert set(targets) == {watch.node.p2p}
    assert len(targets) >= 2, "our greeting and the client"


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
        LightSource("main", _nothing, tmp_path, **options)


async def test_without_accounts_the_chain_is_followed(watch: Watch) -> None:
    async with watch.running() as source:
        await watch.node.mine(2)
        await watch.follow(source)
        assert len(watch.blocks) == 3
        status = await source.status()
    assert (status.synced, status.peers, status.height) == (True, 1, watch.blocks[-1].height)


async def _longest_wait(watch: Watch, account: Account, index: int) -> float:
    """How long the event loop stood still while a client began, and a block was looked at."""
    gaps = [0.0]
    turning = asyncio.create_task(turn(gaps))
    async with watch.running() as source:
        await watch.pay(account, index, 1_000)
        await watch.node.mine()
        await watch.follow(source)
    turning.cancel()
    assert sum(gaps) > 1, "it did take long"
    return max(gaps)


@pytest.mark.slow
async def test_nobody_waits_while_fifteen_thousand_addresses_are_looked_at(watch: Watch) -> None:
    """Matching filters takes a second at a time, in another thread and without the interpreter's lock.

    Done in the event loop it would show as such.  A quiet machine shows some 30 ms (``python -m
    bench.light``); a busy one makes everybody wait, so here it is the best of three, and generous.
    """
    account = fresh_account()
    watch.issued[account.text] = 15_000
    waits = [await _longest_wait(watch, account, 14_990 + number) for number in range(3)]
    assert watch.amounts() == [1_000] * 3
    assert min(waits) < 0.5, waits


@pytest.mark.slow
async def test_closing_does_not_wait_for_a_long_computation(watch: Watch) -> None:
    watch.issued[fresh_account().text] = 200_000
    source = PromptLight(watch.node, watch.issued, watch.folder)
    await LightSource.open(source)
    await LightSource.wait(source, 1)
    began = time.monotonic()
    await source.close()
    assert time.monotonic() - began < light_module.CLOSE_SECONDS + 1
