"""Watchers for tests."""

from __future__ import annotations

import pytest
from support.shop import open_shop
from support.till import FailingChain, Till

from bitcache.storage.database import Store
from wallet.chain.simulated_chain import SimulatedChain


@pytest.fixture
async def till(store: Store, simulated: SimulatedChain) -> Till:
    await simulated.mine(20)
    return Till(await open_shop(store), simulated)


@pytest.fixture
async def failing(store: Store) -> Till:
    chain = FailingChain()
    await chain.mine(20)
    return Till(await open_shop(store), chain)
