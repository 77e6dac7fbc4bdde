"""What is particular to the simulated chain: it can be kept in a file, and it begins where it always did."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.accounts import fresh_destinations

from bitcache.chain_errors import NodeRefused
from bitcache.money import MAX_MONEY, Sat
from wallet.chain.chain_source import Back, Forward
from wallet.chain.simulated_chain import GENESIS, SimulatedChain


async def test_every_chain_begins_alike_and_goes_on_differently() -> None:
    chain, stranger = SimulatedChain(), SimulatedChain()
    assert await chain.tip() == await stranger.tip() == GENESIS
    await chain.mine()
    await stranger.mine()
    assert await chain.tip() != await stranger.tip()
    assert await chain.step(await stranger.tip(), {}) == Back()
    assert await chain.step(GENESIS, {}) is not None


async def test_a_kept_chain_goes_on_after_a_restart(tmp_path: Path) -> None:
    ((script, address),) = fresh_destinations(1)
    before = SimulatedChain(path=tmp_path / "chain.json")
    await before.open()
    await before.mine(3, address)
    txid = await before.pay(address, Sat(1_234))
    after = SimulatedChain(path=tmp_path / "chain.json")
    await after.open()
    assert await after.tip() == await before.tip()
    (waiting,) = await after.unconfirmed({script: 1})
    assert waiting.reference == f"{txid}:0"
    assert await after.step(await after.at(1), {script: 1}) == await before.step(await before.at(1), {script: 1})


async def test_a_reorganisation_stops_above_the_genesis() -> None:
    chain = SimulatedChain()
    await chain.mine(2)
    await chain.reorg(50)
    assert await chain.at(0) == GENESIS
    assert (await chain.tip()).height == 51


@pytest.mark.parametrize("amount", [MAX_MONEY + 1, 2**63])
async def test_more_than_all_coins_is_refused_and_watching_goes_on(amount: int) -> None:
    """Once one such payment stood in the chain, no step over it succeeded again, for any seller."""
    ((script, address),) = fresh_destinations(1)
    chain = SimulatedChain()
    with pytest.raises(NodeRefused):
        await chain.pay(address, amount)  # type: ignore[arg-type]
    await chain.pay(address, Sat(MAX_MONEY))
    await chain.mine()
    step = await chain.step(GENESIS, {script: 1})
    assert isinstance(step, Forward)
    assert [payment.amount for payment in step.payments] == [MAX_MONEY]
