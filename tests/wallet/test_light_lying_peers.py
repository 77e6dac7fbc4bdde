"""Peers that lie to the light client: no block without its work, no payment that is not in a block, none left out.

The rules are the main network's but for a difficulty that a test can afford, so the same code runs.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from support.eventually import eventually
from support.light_peers import (
    BLOCKS,
    EASY,
    OTHER,
    SCRIPT,
    follow,
    following,
    has_tip,
    is_left,
    is_synced,
    knows_chain,
    low_rules,
    ref,
)
from support.peer_chain import PeerChain
from support.peer_server import serving

from bitcache.chain_errors import ChainError, NodeRefused
from wallet.chain.chain_source import Back
from wallet.chain.light.consensus import RULES


@pytest.fixture
def truth() -> PeerChain:
    """The honest chain: twenty-nine blocks up to ten minutes ago."""
    chain = PeerChain(low_rules())
    for _ in range(BLOCKS - 1):
        chain.mine()
    return chain


async def test_honest_peers_are_followed(tmp_path: Path, truth: PeerChain) -> None:
    start = ref(truth)
    async with serving("main", truth, truth) as peers, following(tmp_path, truth, peers) as source:
        await eventually(lambda: is_synced(source))
        longer = truth.fork()
        longer.mine([(1_000, OTHER), (2_500, SCRIPT), (7_000, SCRIPT)])
        for peer in peers:
            peer.announce(longer)
        await eventually(lambda: has_tip(source, longer))
        assert await follow(source, start) == (ref(longer), [2_500, 7_000])
        assert await source.step(ref(longer), {}) is None


@pytest.mark.parametrize("when", ["fresh", "synced", "restarted"])
@pytest.mark.parametrize("liars", [1, 2])
@pytest.mark.parametrize("lie", ["easy", "lazy", "one a message"])
async def test_blocks_without_their_work(tmp_path: Path, truth: PeerChain, when: str, liars: int, lie: str) -> None:
    """They are not told of; the liar is left and remembered; with another honest peer everything goes on."""
    start, forged = ref(truth, truth.height - 3), truth.fork()
    forged.mine([(2_500, SCRIPT)], **({"lazy": True} if lie == "lazy" else {"bits": EASY}))
    forged.mine([(2_500, SCRIPT)], bits=EASY)
    if when == "restarted":
        async with serving("main", truth, truth) as peers, following(tmp_path, truth, peers) as source:
            await eventually(lambda: is_synced(source))
    shown = forged if when == "fresh" else truth
    async with serving("main", *[shown] * liars, *[truth] * 2) as peers:
        lying = peers[:liars]
        async with following(tmp_path, truth, peers) as source:
            if when != "fresh":
                await eventually(lambda: is_synced(source))
            for liar in lying:
                liar.headers_at_once = 1 if lie == "one a message" else 2_000
                liar.announce(forged)
            for liar in lying:
                await eventually(lambda liar=liar: is_left(source, liar))
            assert await follow(source, start) == (ref(truth), [])
            honest = truth.fork()
            honest.mine([(9_000, SCRIPT)])
            for peer in peers[liars:]:
                peer.announce(honest)
            await eventually(lambda: has_tip(source, honest))
            assert await follow(source, ref(truth)) == (ref(honest), [9_000])
            assert await is_synced(source)
            assert all(liar.connections <= 2 for liar in lying)


async def test_when_all_lie_nothing_is_answered(tmp_path: Path, truth: PeerChain) -> None:
    forged = truth.fork()
    forged.mine([(2_500, SCRIPT)], bits=EASY)
    async with serving("main", forged, forged) as peers, following(tmp_path, truth, peers) as source:
        for peer in peers:
            await eventually(lambda peer=peer: is_left(source, peer))
        status = await source.status()
        assert (status.synced, status.reachable) == (False, False)
        assert "difficulty" in str(status.error)
        with pytest.raises(NodeRefused):
            await source.step(ref(truth), {SCRIPT: None})


async def test_a_block_that_one_peer_alone_has(tmp_path: Path) -> None:
    """On regtest work is free, so a liar's chain may be the heaviest: it waits for another peer to have it."""
    truth = PeerChain(RULES["regtest"])
    truth.mine_until(RULES["regtest"].base.time + 6_000)
    forged = truth.fork()
    forged.mine([(2_500, SCRIPT)])
    forged.mine()
    async with serving("regtest", truth, truth) as peers, following(tmp_path, truth, peers) as source:
        await eventually(lambda: has_tip(source, truth))
        peers[0].announce(forged)
        await eventually(lambda: knows_chain(source, forged))
        assert await source.step(ref(truth), {SCRIPT: None}) is None
        assert await source.tip() == ref(truth)
        honest = truth.fork()
        for _ in range(3):
            honest.mine([(9_000, SCRIPT)])
        for peer in peers:
            peer.announce(honest)
        await eventually(lambda: has_tip(source, honest))
        assert await follow(source, ref(truth)) == (ref(honest), [9_000] * 3)


async def test_a_chain_that_one_peer_alone_has_undoes_nothing(tmp_path: Path) -> None:
    """Else a liar could make every sale a loss where work is cheap."""
    truth = PeerChain(RULES["regtest"])
    truth.mine_until(RULES["regtest"].base.time + 6_000)
    forged = truth.fork(truth.height - 2)
    for _ in range(4):
        forged.mine()
    async with serving("regtest", truth, truth) as peers, following(tmp_path, truth, peers) as source:
        await eventually(lambda: has_tip(source, truth))
        peers[0].announce(forged)
        await eventually(lambda: knows_chain(source, forged))
        with pytest.raises(ChainError, match="fewer than 2 peers have the chain"):
            await source.step(ref(truth), {SCRIPT: None})
        peers[1].announce(forged)
        await eventually(lambda: has_tip(source, forged))
        assert await source.step(ref(truth), {SCRIPT: None}) == Back()


async def test_a_reorganisation_is_undone_block_by_block(tmp_path: Path, truth: PeerChain) -> None:
    short, long = truth.fork(), truth.fork()
    short.mine([(2_500, SCRIPT)])
    for _ in range(2):
        long.mine([(9_000, OTHER)], when=int(time.time()))
    async with serving("main", short, short) as peers, following(tmp_path, truth, peers) as source:
        await eventually(lambda: has_tip(source, short))
        assert (await follow(source, ref(truth)))[1] == [2_500]
        for peer in peers:
            peer.announce(long)
        await eventually(lambda: has_tip(source, long))
        assert await source.step(ref(short), {SCRIPT: None}) == Back()
        assert await follow(source, ref(truth)) == (ref(long), [])


async def test_a_chain_of_less_work_than_is_known_to_exist(tmp_path: Path, truth: PeerChain) -> None:
    """Whoever shows it, and however old it is."""
    rules = replace(truth.rules, minimum_work=1 << 40)
    async with serving("main", truth, truth) as peers, following(tmp_path, truth, peers, rules=rules) as source:
        await eventually(lambda: knows_chain(source, truth))
        assert not await is_synced(source)
        for question in (source.tip(), source.step(ref(truth), {})):
            with pytest.raises(ChainError, match="fetches headers"):
                await question


async def test_a_chain_that_is_too_short_for_the_clock(tmp_path: Path, truth: PeerChain) -> None:
    rules = replace(truth.rules, base=replace(truth.rules.base, time=truth.rules.base.time - 30 * 600))
    async with serving("main", truth, truth) as peers, following(tmp_path, truth, peers, rules=rules) as source:
        await eventually(lambda: knows_chain(source, truth))
        assert not await is_synced(source)
        with pytest.raises(ChainError, match="fetches headers"):
            await source.step(ref(truth), {})
