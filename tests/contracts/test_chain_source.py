"""What every chain source must do: a real node, compact block filters from that node, the simulated chain."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.accounts import fresh_account, fresh_destinations
from support.eventually import eventually
from support.light import PromptLight

from bitcache.chain_errors import NodeRefused
from bitcache.chain_types import BlockRef, Payment
from bitcache.money import Sat
from wallet.chain.bitcoind_source import BitcoindSource
from wallet.chain.chain_source import COINBASE_MATURITY, Back, ChainSource, Forward
from wallet.chain.regtest_node import RegtestNode
from wallet.chain.simulated_chain import SimulatedChain


@dataclass
class Follower:
    """A minimal watcher: keeps the blocks it was told of, and the payments in them."""

    source: ChainSource
    scripts: dict[bytes, str]
    blocks: list[BlockRef] = field(default_factory=list)
    payments: dict[BlockRef, tuple[Payment, ...]] = field(default_factory=dict)
    backs: int = 0

    async def follow(self) -> None:
        """To the tip."""
        while step := await self.source.step(self.blocks[-1], self.scripts):
            if isinstance(step, Back):
                self.payments.pop(self.blocks.pop(), None)
                self.backs += 1
            else:
                self.forward(step)

    def forward(self, step: Forward) -> None:
        """One block further."""
        assert step.block.height == self.blocks[-1].height + 1
        self.blocks.append(step.block)
        self.payments[step.block] = step.payments

    def amounts(self) -> list[int]:
        """Everything in blocks, in order."""
        return [payment.amount for block in self.blocks for payment in self.payments.get(block, ())]


@dataclass
class Chain:
    """A source, what moves it, and four destinations of ours on it."""

    source: ChainSource
    mover: Any
    destinations: list[tuple[bytes, str]]

    def __post_init__(self) -> None:
        self.scripts = dict(self.destinations)

    async def follower(self) -> Follower:
        """One that stands at the tip."""
        return Follower(self.source, self.scripts, [await self.source.tip()])

    async def pay(self, number: int, amount: int) -> str:
        """Send to one of our destinations."""
        return str(await self.mover.pay(self.destinations[number][1], Sat(amount)))

    async def waiting(self) -> dict[str, int]:
        """What waits for a block: transaction id to amount."""
        payments = await self.source.unconfirmed(self.scripts)
        return {payment.reference.split(":")[0]: payment.amount for payment in payments}


NODE = pytest.mark.node


SEEING = ["simulated", pytest.param("bitcoind", marks=NODE)]
#: for tests of what waits for a block, which filters do not tell
seeing = pytest.mark.parametrize("chain", SEEING, indirect=True)


@pytest.fixture(params=[*SEEING, pytest.param("light", marks=NODE)])
async def chain(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Chain]:
    destinations = fresh_destinations(4)
    if request.param == "simulated":
        mover: Any = SimulatedChain()
        await mover.mine(10)
        source: ChainSource = mover
    elif request.param == "light":
        mover, account = request.getfixturevalue("regtest"), fresh_account()
        destinations = [account.derive(index) for index in range(4)]
        source = PromptLight(mover, tmp_path)
    else:
        mover = request.getfixturevalue("regtest")
        source = BitcoindSource(mover.client(), "regtest")
    await source.open()
    yield Chain(source, mover, destinations)
    await source.close()


async def test_without_a_mempool_nothing_waits(chain: Chain) -> None:
    txid = await chain.pay(0, 8_000)
    assert set(await chain.waiting()) == ({txid} if chain.source.sees_unconfirmed else set())
    await chain.mover.mine()


async def test_status_tells_the_network_and_the_height(chain: Chain) -> None:
    status = await chain.source.status()
    assert status.reachable
    assert status.network == "regtest"
    assert status.height == status.headers == (await chain.source.tip()).height
    assert status.synced
    assert status.error is None


async def test_at_the_tip_there_is_no_next_step(chain: Chain) -> None:
    assert await chain.source.step(await chain.source.tip(), chain.scripts) is None


async def test_blocks_are_found_by_height(chain: Chain) -> None:
    tip = await chain.source.tip()
    assert await chain.source.at(tip.height) == tip
    below = await chain.source.at(tip.height - 1)
    step = await chain.source.step(below, chain.scripts)
    assert isinstance(step, Forward)
    assert step.block == tip


async def test_every_block_is_told_once_and_in_order(chain: Chain) -> None:
    follower = await chain.follower()
    await chain.mover.mine(5)
    await follower.follow()
    assert len(follower.blocks) == 6
    assert follower.blocks[-1] == await chain.source.tip()
    assert follower.amounts() == []


async def test_a_payment_is_told_with_its_block(chain: Chain) -> None:
    follower = await chain.follower()
    txid = await chain.pay(0, 12_345)
    await chain.mover.mine()
    await follower.follow()
    (payment,) = follower.payments[follower.blocks[-1]]
    assert payment.reference.startswith(f"{txid}:")
    assert payment.key == chain.destinations[0][0]
    assert payment.amount == 12_345
    assert payment.maturity == 0


async def test_several_payments_in_one_block_are_all_told(chain: Chain) -> None:
    follower = await chain.follower()
    for number, amount in enumerate((1_000, 2_000, 3_000, 4_000)):
        await chain.pay(number, amount)
    await chain.pay(0, 5_000)
    await chain.mover.mine()
    await follower.follow()
    assert sorted(follower.amounts()) == [1_000, 2_000, 3_000, 4_000, 5_000]


async def test_a_script_added_later_is_seen_from_then_on(chain: Chain) -> None:
    """Scripts are one dictionary that grows while the source reads it."""
    follower = await chain.follower()
    script = chain.destinations[3][0]
    address = chain.scripts.pop(script)
    await chain.mover.mine()
    await follower.follow()
    chain.scripts[script] = address
    await chain.pay(3, 7_000)
    await chain.mover.mine()
    await follower.follow()
    assert follower.amounts() == [7_000]


@pytest.mark.parametrize("depth", [1, 2, 3, 6])
async def test_a_reorganisation_steps_back_exactly_as_deep(chain: Chain, depth: int) -> None:
    follower = await chain.follower()
    await chain.pay(0, 9_000)
    await chain.mover.mine(depth)
    await follower.follow()
    await chain.mover.reorg(depth)
    await follower.follow()
    assert follower.backs == depth
    assert follower.amounts() == []
    await chain.mover.mine()
    await follower.follow()
    assert follower.amounts() == [9_000], "what the lost blocks held is in the next one"


async def test_a_payment_lost_in_a_reorganisation_does_not_come_back(chain: Chain) -> None:
    follower = await chain.follower()
    await chain.pay(0, 9_000)
    await chain.mover.mine()
    await follower.follow()
    await chain.mover.reorg(1, keep=False)
    await chain.mover.mine()
    await follower.follow()
    assert follower.amounts() == []
    assert await chain.waiting() == {}


async def test_an_unknown_block_is_stepped_back_from(chain: Chain) -> None:
    tip = await chain.source.tip()
    assert await chain.source.step(BlockRef(tip.height, "ab" * 32), chain.scripts) == Back()
    assert await chain.source.step(BlockRef(tip.height + 9, "cd" * 32), chain.scripts) == Back()


@seeing
async def test_what_waits_for_a_block_appears_and_confirms(chain: Chain) -> None:
    txid = await chain.pay(0, 8_000)
    assert await chain.waiting() == {txid: 8_000}
    assert await chain.waiting() == {txid: 8_000}, "asking again changes nothing"
    await chain.mover.mine()
    assert await chain.waiting() == {}


@seeing
async def test_what_is_replaced_vanishes(chain: Chain) -> None:
    """Full replace-by-fee: an unconfirmed payment is no payment yet."""
    kept, replaced = await chain.pay(0, 8_000), await chain.pay(1, 6_000)
    assert await chain.waiting() == {kept: 8_000, replaced: 6_000}
    await chain.mover.replace(replaced)
    assert await chain.waiting() == {kept: 8_000}
    await chain.mover.mine()


@seeing
async def test_a_reorganised_payment_waits_again(chain: Chain) -> None:
    txid = await chain.pay(0, 8_000)
    await chain.mover.mine()
    assert await chain.waiting() == {}
    await chain.mover.reorg(1)
    assert await chain.waiting() == {txid: 8_000}
    await chain.mover.mine()


async def test_a_coinbase_says_that_it_must_mature(chain: Chain) -> None:
    follower = await chain.follower()
    await chain.mover.mine(1, chain.destinations[0][1])
    await follower.follow()
    (payment,) = follower.payments[follower.blocks[-1]]
    assert payment.maturity == COINBASE_MATURITY
    assert payment.amount > 0


async def test_waiting_ends_when_a_block_arrives(chain: Chain) -> None:
    await _quiet(chain.source)
    waiting = asyncio.create_task(chain.source.wait(60))
    await asyncio.sleep(0.05)
    began = time.monotonic()
    await chain.mover.mine()
    await waiting
    assert time.monotonic() - began < 4, "sooner than the mempool's poll"


@seeing
async def test_waiting_ends_when_a_payment_arrives(chain: Chain) -> None:
    """The very first may come before a listener listens, and then costs a few seconds; not the third."""
    delays = []
    for number in range(3):
        before = await chain.waiting()
        await _quiet(chain.source)
        waiting = asyncio.create_task(chain.source.wait(60))
        began = time.monotonic()
        txid = await chain.pay(number, 3_000)
        await waiting
        delays.append(time.monotonic() - began)
        assert (await chain.waiting()).keys() - before.keys() == {txid}
    assert min(delays) < 4
    await chain.mover.mine()


async def test_waiting_ends_by_itself(chain: Chain) -> None:
    await _quiet(chain.source)
    began = time.monotonic()
    await chain.source.wait(0.2)
    assert 0.1 < time.monotonic() - began < 2


async def test_a_demo_wallet_pays_only_addresses_of_its_network(chain: Chain) -> None:
    with pytest.raises(NodeRefused):
        await chain.mover.pay("bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu", Sat(1_000))


async def _quiet(source: ChainSource) -> None:
    """Until no old news is left, and the listeners listen."""

    async def nothing() -> bool:
        began = time.monotonic()
        await source.wait(0.3)
        return time.monotonic() - began > 0.25

    await eventually(nothing)


def _is_port(source: ChainSource) -> bool:
    return source.sees_unconfirmed


@pytest.mark.node
def test_both_fit_the_port(regtest: RegtestNode) -> None:
    """Checked by mypy."""
    assert _is_port(SimulatedChain())
    assert _is_port(BitcoindSource(regtest.client(), "regtest"))
