"""Reading a chain again: a node that is just starting is waited for, one that is gone is not."""

from __future__ import annotations

import pytest

from bitcache.chain_errors import NodeUnreachable, NodeWarmingUp
from bitcache.chain_types import BlockRef
from wallet.chain import read_chain_range
from wallet.chain.chain_source import ChainStatus, Scripts, Step
from wallet.chain.read_chain_range import read_chain
from wallet.chain.simulated_chain import SimulatedChain


class Starting(SimulatedChain):
    """Refuses the first questions of each kind."""

    error: Exception = NodeWarmingUp("loading blocks")
    refusals = 2
    behind = False

    async def status(self) -> ChainStatus:
        return ChainStatus(True, self.network, 2 if self.behind else 5, 5, synced=not self.behind)

    def _refuse(self) -> None:
        if self.refusals:
            self.refusals -= 1
            raise self.error

    async def tip(self) -> BlockRef:
        self._refuse()
        return await super().tip()

    async def step(self, cursor: BlockRef, scripts: Scripts) -> Step:
        self._refuse()
        return await super().step(cursor, scripts)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_chain_range, "ASK_AGAIN_SECONDS", 0.01)


@pytest.fixture
async def chain() -> Starting:
    chain = Starting()
    chain.refusals = 0
    await chain.mine(5)
    chain.refusals = 2
    return chain


async def test_a_node_that_starts_is_waited_for(chain: Starting) -> None:
    """As the light client is, which needs a while to find its peers."""

    def again(done: int, total: int) -> None:
        chain.refusals = 2

    chain_range = await read_chain(chain, 1, {}, again)
    assert [block.height for block in chain_range.blocks] == [1, 2, 3, 4, 5]


async def test_a_node_that_is_behind_is_waited_for(chain: Starting, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has not read yet is not gone: a rescan would call sales lost."""
    monkeypatch.setattr(read_chain_range, "PATIENCE_SECONDS", 0.05)
    chain.refusals, chain.behind = 0, True
    with pytest.raises(NodeWarmingUp, match="block 2 of 5"):
        await read_chain(chain, 1, {})


async def test_not_for_ever(chain: Starting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_chain_range, "PATIENCE_SECONDS", 0.05)
    chain.refusals = 1_000
    with pytest.raises(NodeWarmingUp):
        await read_chain(chain, 1, {})


async def test_another_trouble_is_said_at_once(chain: Starting) -> None:
    chain.error, chain.refusals = NodeUnreachable("gone"), 1
    with pytest.raises(NodeUnreachable):
        await read_chain(chain, 1, {})
    assert chain.refusals == 0
