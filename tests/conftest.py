"""Fixtures that every test may use: a real node (``regtest``), a simulated chain, a fresh ``store``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from support.lightning_harness import LightningHarness, lightning

from bitcache.storage.database import Store
from wallet.chain.bitcoind_executable import NoBitcoind, find_bitcoind
from wallet.chain.regtest_node import RegtestNode
from wallet.chain.simulated_chain import SimulatedChain
from wallet.lightning.electrum.electrum_programs import NoElectrum, find_electrum

# How long an example takes says what else the machine does, not whether the code is right.
settings.register_profile("bitcache", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("bitcache")

T = TypeVar("T")
pytest_plugins = ("support.no_skips",)


@pytest.fixture(scope="session", autouse=True)
def _memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Where gateways keep what no backup holds: left in no folder of this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUNTIME_DIRECTORY", str(tmp_path_factory.mktemp("memory")))
        yield


@pytest.fixture(scope="session")
def bitcoind() -> Path:
    """The node's program, fetched if need be."""
    try:
        return find_bitcoind()
    except NoBitcoind as reason:
        pytest.skip(f"no bitcoind: {reason}")


@pytest.fixture(scope="session")
def regtest(bitcoind: Path) -> Iterator[RegtestNode]:
    """A private node with a funded wallet, shared by the whole run: use scripts of your own."""
    with _node(bitcoind) as node:
        yield node


@pytest.fixture
def own_regtest(bitcoind: Path) -> Iterator[RegtestNode]:
    """A private node for this test alone: stop, restart or kill it."""
    with _node(bitcoind) as node:
        yield node


@pytest.fixture(scope="session")
def electrum() -> Path:
    """The folder with the Lightning wallets' programs, fetched if need be."""
    try:
        return find_electrum()
    except NoElectrum as reason:
        pytest.skip(f"no Electrum: {reason}")


@pytest.fixture(scope="session")
def lightning_wallets(
    bitcoind: Path, electrum: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LightningHarness]:
    """Two real Lightning wallets with a channel between them, shared by the whole run."""
    folder = tmp_path_factory.mktemp("lightning")
    with _node(bitcoind) as node, lightning(electrum, folder, node) as harness:
        yield harness


@pytest.fixture
def simulated() -> SimulatedChain:
    """A chain in memory."""
    return SimulatedChain()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store."""
    opened = await Store.open(tmp_path / "bitcache.sqlite")
    yield opened
    await opened.close()


@contextmanager
def _node(program: Path) -> Iterator[RegtestNode]:
    """A node around a test, whatever event loop the test runs in."""
    node = _run(lambda: RegtestNode.start(bitcoind=program))
    try:
        yield node
    finally:
        _run(node.stop)


def _run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """To its end, in an event loop of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(work())).result()
