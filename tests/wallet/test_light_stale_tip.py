"""When no peer shows a block for hours, others are tried one at a time: a light client that is cut off frees itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.eventually import eventually
from support.peer_chain import PeerChain
from support.peer_server import PeerServer

from bitcache.chain_errors import ChainError
from wallet.chain.light import peer_pool
from wallet.chain.light.consensus import PERIOD, BaseBlock, ConsensusRules
from wallet.chain.light.dial_peer import read_address
from wallet.chain.light.light_source import LightSource

HOURS = 4


def chain_until(hours_ago: int) -> PeerChain:
    """Blocks every ten minutes, the first of them four hours ago or so."""
    began = int(time.time()) - HOURS * 3_600
    base = BaseBlock(PERIOD * 4, "11" * 32, 0x2007FFFF, began, 10)
    chain = PeerChain(ConsensusRules(base, limit_bits=0x207FFFFF))
    chain.mine_until(int(time.time()) - hours_ago * 3_600)
    return chain


@asynccontextmanager
async def serving_apart(*chains: PeerChain) -> AsyncIterator[list[PeerServer]]:
    """A peer for each chain, each in another neighbourhood."""
    peers = [PeerServer("main", chain) for chain in chains]
    for number, peer in enumerate(peers):
        await peer.start(host=f"127.{number}.0.1")
    try:
        yield peers
    finally:
        for peer in peers:
            await peer.stop()


@asynccontextmanager
async def seeded(folder: Path, rules: ConsensusRules, peers: Sequence[PeerServer]) -> AsyncIterator[LightSource]:
    """A light client that knows these peers as if DNS seeds had named them; three are connected at once."""
    source = LightSource("main", folder, connections=1, rules=rules)
    source.pool.candidates = [read_address(peer.address, "main") for peer in peers]
    source.pool._looked_at = float("inf")  # no DNS
    await source.open()
    try:
        yield source
    finally:
        await source.close()


async def knows(source: LightSource, chain: PeerChain) -> bool:
    try:
        return (await source.tip()).height == chain.height
    except ChainError:
        return False


async def test_peers_without_a_block_for_hours_are_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_pool, "REPLACE_SECONDS", 0.3)
    fresh = chain_until(0)
    old = fresh.fork(fresh.height - 18)
    async with serving_apart(old, old, old, fresh) as peers, seeded(tmp_path, fresh.rules, peers) as source:
        await eventually(lambda: knows(source, fresh))
        assert (await source.status()).synced


async def test_peers_with_new_blocks_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_pool, "REPLACE_SECONDS", 0.3)
    fresh = chain_until(0)
    async with serving_apart(*[fresh] * 4) as peers, seeded(tmp_path, fresh.rules, peers) as source:
        await eventually(lambda: knows(source, fresh))
        await asyncio.sleep(1.5)
        assert [peer.connections for peer in peers] == [1, 1, 1, 0]
