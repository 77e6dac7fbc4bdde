"""The light client among peers of the test's own, with a difficulty that a test can afford."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from support.peer_chain import PeerChain
from support.peer_server import PeerServer

from bitcache.chain_errors import ChainError
from bitcache.chain_types import BlockRef
from wallet.chain.chain_source import Forward
from wallet.chain.light.consensus import PERIOD, RULES, BaseBlock, ConsensusRules
from wallet.chain.light.dial_peer import read_address
from wallet.chain.light.light_source import LightSource

SCRIPT, OTHER = b"\x00\x14" + b"\x07" * 20, b"\x00\x14" + b"\x08" * 20
EASY = 0x207FFFFF
BLOCKS = 30


def low_rules() -> ConsensusRules:
    """The main network's with the least difficulty, and a base from which ``BLOCKS`` blocks lead to now."""
    began = int(time.time()) - BLOCKS * 600
    return ConsensusRules(BaseBlock(PERIOD * 4, "11" * 32, 0x2007FFFF, began, 10), limit_bits=EASY)


@asynccontextmanager
async def following(
    folder: Path, truth: PeerChain, peers: Sequence[PeerServer], *, quorum: int = 2, **options: Any
) -> AsyncIterator[LightSource]:
    """A light client with these peers and no others."""
    options = {"rules": truth.rules, **options}
    network = "regtest" if truth.rules == RULES["regtest"] else "main"
    source = LightSource(network, folder, peers=[peer.address for peer in peers], connections=quorum, **options)
    await source.open()
    try:
        yield source
    finally:
        await source.close()


def ref(chain: PeerChain, height: int | None = None) -> BlockRef:
    """A block of a chain, the newest if no height is given."""
    block = chain.at(chain.height if height is None else height)
    return BlockRef(block.height, block.digest[::-1].hex())


async def follow(source: LightSource, cursor: BlockRef) -> tuple[BlockRef, list[int]]:
    """To the newest block: where that is, and every amount paid to SCRIPT on the way."""
    amounts: list[int] = []
    while step := await source.step(cursor, {SCRIPT: None}):
        assert isinstance(step, Forward)
        cursor = step.block
        amounts += [payment.amount for payment in step.payments]
    return cursor, amounts


async def has_tip(source: LightSource, chain: PeerChain) -> bool:
    """Return whether the client follows this chain to its tip."""
    try:
        return await source.tip() == ref(chain)
    except ChainError:
        return False


async def is_left(source: LightSource, peer: PeerServer) -> bool:
    """Return whether the client left this peer, and does not dial it again for now."""
    address = read_address(peer.address, "main")
    gone = address not in [other.address for other in source.pool.connected()]
    return gone and source.pool.records.to_dial([address]) == []


async def is_synced(source: LightSource) -> bool:
    """Return whether the client says that it is up to date."""
    return (await source.status()).synced


async def knows_chain(source: LightSource, chain: PeerChain) -> bool:
    """Return whether the client has every header of this chain."""
    return (await source.status()).headers == chain.height


async def has_peers(source: LightSource, peers: int) -> bool:
    """Return whether so many peers are connected."""
    """So many peers are connected, and as far as the newest block."""
    return len(source.pool.connected()) == peers and source.pool.common_height(peers) is not None
