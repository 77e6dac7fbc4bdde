"""Watchers for tests."""

from __future__ import annotations

import pytest
from support.invoice_harness import open_invoice_harness
from support.watcher_harness import FailingChain, WatcherHarness

from bitcache.storage.database import Store
from wallet.chain.simulated_chain import SimulatedChain


@pytest.fixture
async def harness(store: Store, simulated: SimulatedChain) -> WatcherHarness:
    await simulated.mine(20)
    return WatcherHarness(await open_invoice_harness(store), simulated)


@pytest.fixture
async def failing(store: Store) -> WatcherHarness:
    chain = FailingChain()
    await chain.mine(20)
    return WatcherHarness(await open_invoice_harness(store), chain)
