"""Peers that lie to the light client: no block without its work, no payment that is not in a block, none left out.

The rules are the main network's but for a difficulty that a test can afford, so the same code runs.
"""

from __future__ import annotations

import asyncio
import itertools
import struct
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.eventually import eventually
from support.peer_chain import PeerBlock, PeerChain, double_sha256, golomb_coded, transaction
from support.peer_server import FILTERS, HANG_UP, Answers, Message, PeerServer, headers_message, serving

from bitcache.chain_errors import ChainError, NodeRefused
from bitcache.chain_types import BlockRef
from wallet.chain.chain_source import Back, Forward
from wallet.chain.light import light_source as light_module
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


@pytest.fixture
def truth() -> PeerChain:
    """The honest chain: twenty-nine blocks up to ten minutes ago."""
    chain = PeerChain(low_rules())
    for _ in range(BLOCKS - 1):
        chain.mine()
    return chain


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Questions without an answer are given up soon."""
    monkeypatch.setattr(light_module, "PATIENCE_SECONDS", 4.0)


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


async def _has(source: LightSource, chain: PeerChain) -> bool:
    try:
        return await source.tip() == ref(chain)
    except ChainError:
        return False


async def _is_left(source: LightSource, peer: PeerServer) -> bool:
    address = read_address(peer.address, "main")
    gone = address not in [other.address for other in source.pool.connected()]
    return gone and source.pool.records.to_dial([address]) == []


async def _synced(source: LightSource) -> bool:
    return (await source.status()).synced


async def test_honest_peers_are_followed(tmp_path: Path, truth: PeerChain) -> None:
    start = ref(truth)
    async with serving("main", truth, truth) as peers, following(tmp_path, truth, peers) as source:
        await eventually(lambda: _synced(source))
        longer = truth.fork()
        longer.mine([(1_000, OTHER), (2_500, SCRIPT), (7_000, SCRIPT)])
        for peer in peers:
            peer.announce(longer)
        await eventually(lambda: _has(source, longer))
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
            await eventually(lambda: _synced(source))
    shown = forged if when == "fresh" else truth
    async with serving("main", *[shown] * liars, *[truth] * 2) as peers:
        lying = peers[:liars]
        async with following(tmp_path, truth, peers) as source:
            if when != "fresh":
                await eventually(lambda: _synced(source))
            for liar in lying:
                liar.headers_at_once = 1 if lie == "one a message" else 2_000
                liar.announce(forged)
            for liar in lying:
                await eventually(lambda liar=liar: _is_left(source, liar))
            assert await follow(source, start) == (ref(truth), [])
            honest = truth.fork()
            honest.mine([(9_000, SCRIPT)])
            for peer in peers[liars:]:
                peer.announce(honest)
            await eventually(lambda: _has(source, honest))
            assert await follow(source, ref(truth)) == (ref(honest), [9_000])
            assert await _synced(source)
            assert all(liar.connections <= 2 for liar in lying)


async def test_when_all_lie_nothing_is_answered(tmp_path: Path, truth: PeerChain) -> None:
    forged = truth.fork()
    forged.mine([(2_500, SCRIPT)], bits=EASY)
    async with serving("main", forged, forged) as peers, following(tmp_path, truth, peers) as source:
        for peer in peers:
            await eventually(lambda peer=peer: _is_left(source, peer))
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
        await eventually(lambda: _has(source, truth))
        peers[0].announce(forged)
        await eventually(lambda: _knows(source, forged))
        assert await source.step(ref(truth), {SCRIPT: None}) is None
        assert await source.tip() == ref(truth)
        honest = truth.fork()
        for _ in range(3):
            honest.mine([(9_000, SCRIPT)])
        for peer in peers:
            peer.announce(honest)
        await eventually(lambda: _has(source, honest))
        assert await follow(source, ref(truth)) == (ref(honest), [9_000] * 3)


async def test_a_chain_that_one_peer_alone_has_undoes_nothing(tmp_path: Path) -> None:
    """Else a liar could make every sale a loss where work is cheap."""
    truth = PeerChain(RULES["regtest"])
    truth.mine_until(RULES["regtest"].base.time + 6_000)
    forged = truth.fork(truth.height - 2)
    for _ in range(4):
        forged.mine()
    async with serving("regtest", truth, truth) as peers, following(tmp_path, truth, peers) as source:
        await eventually(lambda: _has(source, truth))
        peers[0].announce(forged)
        await eventually(lambda: _knows(source, forged))
        with pytest.raises(ChainError, match="fewer than 2 peers have the chain"):
            await source.step(ref(truth), {SCRIPT: None})
        peers[1].announce(forged)
        await eventually(lambda: _has(source, forged))
        assert await source.step(ref(truth), {SCRIPT: None}) == Back()


async def _knows(source: LightSource, chain: PeerChain) -> bool:
    return (await source.status()).headers == chain.height


async def test_a_reorganisation_is_undone_block_by_block(tmp_path: Path, truth: PeerChain) -> None:
    short, long = truth.fork(), truth.fork()
    short.mine([(2_500, SCRIPT)])
    for _ in range(2):
        long.mine([(9_000, OTHER)], when=int(time.time()))
    async with serving("main", short, short) as peers, following(tmp_path, truth, peers) as source:
        await eventually(lambda: _has(source, short))
        assert (await follow(source, ref(truth)))[1] == [2_500]
        for peer in peers:
            peer.announce(long)
        await eventually(lambda: _has(source, long))
        assert await source.step(ref(short), {SCRIPT: None}) == Back()
        assert await follow(source, ref(truth)) == (ref(long), [])


async def test_a_chain_of_less_work_than_is_known_to_exist(tmp_path: Path, truth: PeerChain) -> None:
    """Whoever shows it, and however old it is."""
    rules = replace(truth.rules, minimum_work=1 << 40)
    async with serving("main", truth, truth) as peers, following(tmp_path, truth, peers, rules=rules) as source:
        await eventually(lambda: _knows(source, truth))
        assert not await _synced(source)
        for question in (source.tip(), source.step(ref(truth), {})):
            with pytest.raises(ChainError, match="fetches headers"):
                await question


async def test_a_chain_that_is_too_short_for_the_clock(tmp_path: Path, truth: PeerChain) -> None:
    rules = replace(truth.rules, base=replace(truth.rules.base, time=truth.rules.base.time - 30 * 600))
    async with serving("main", truth, truth) as peers, following(tmp_path, truth, peers, rules=rules) as source:
        await eventually(lambda: _knows(source, truth))
        assert not await _synced(source)
        with pytest.raises(ChainError, match="fetches headers"):
            await source.step(ref(truth), {})


# Filters


def hiding(truth: PeerChain) -> tuple[PeerChain, PeerChain]:
    """A block that pays, and the same with a filter from which the payment is left out."""
    honest = truth.fork()
    block = honest.mine([(2_500, SCRIPT), (1_000, OTHER)])
    lying = truth.fork()
    false = truth.fork().mine([(1_000, OTHER)]).filter
    lying.blocks.append(PeerBlock(block.height, block.raw, false, double_sha256(false)))
    return honest, lying


@pytest.mark.parametrize(("honest_peers", "liars"), [(2, 1), (2, 2)])
async def test_a_filter_from_which_a_payment_is_left_out(
    tmp_path: Path, truth: PeerChain, honest_peers: int, liars: int
) -> None:
    """Where filters differ the block decides; who left something out is dropped."""
    honest, lying = hiding(truth)
    chains = [lying] * liars + [honest] * honest_peers
    async with serving("main", *chains) as peers, following(tmp_path, truth, peers) as source:
        await eventually(lambda: _connected(source, len(peers)))
        assert await follow(source, ref(truth)) == (ref(honest), [2_500])
        for liar in peers[:liars]:
            await eventually(lambda liar=liar: _is_left(source, liar))


async def test_a_false_filter_is_not_outvoted_into_silence(tmp_path: Path, truth: PeerChain) -> None:
    """With one honest peer of two nothing is answered once the liar is dropped: one alone is not believed either."""
    honest, lying = hiding(truth)
    async with serving("main", lying, honest) as peers, following(tmp_path, truth, peers) as source:
        await eventually(lambda: _connected(source, 2))
        with pytest.raises(ChainError, match="only 1 of the 2 peers"):
            await source.step(ref(truth), {SCRIPT: None})
        await eventually(lambda: _is_left(source, peers[0]))
        assert not await _synced(source)


async def test_filters_that_differ_in_what_nobody_can_tell(tmp_path: Path, truth: PeerChain) -> None:
    """Something more in a filter is no provable lie: the block is looked into, and nobody is dropped."""
    honest, odd = truth.fork(), truth.fork()
    block = honest.mine([(2_500, SCRIPT)])
    more = golomb_coded(block.digest, {b"\x51", SCRIPT, b"spent by it"})
    odd.blocks.append(PeerBlock(block.height, block.raw, more, bytes(32)))
    async with serving("main", honest, odd) as peers, following(tmp_path, truth, peers) as source:
        await eventually(lambda: _connected(source, 2))
        assert await follow(source, ref(truth)) == (ref(honest), [2_500])
        assert await _connected(source, 2)


async def _connected(source: LightSource, peers: int) -> bool:
    """So many peers are connected, and as far as the newest block."""
    return len(source.pool.connected()) == peers and source.pool.common_height(peers) is not None


def _false_filter(peer: PeerServer) -> Answers:
    def answer(payload: bytes) -> list[Message]:
        command, content = peer.answer_getcfilters(payload)[0]
        return [(command, content[:-1] + bytes([content[-1] ^ 0x80]))]

    return answer


def _false_block(peer: PeerServer) -> Answers:
    def answer(payload: bytes) -> list[Message]:
        command, raw = peer.answer_getdata(payload)[0]
        paying = transaction([(bytes(31) + b"\x01", 0, b"")], [(5_000, SCRIPT)])
        return [(command, raw[:80] + bytes([raw[80] + 1]) + raw[81:] + paying)]

    return answer


def _other_block(peer: PeerServer) -> Answers:
    return lambda _: [("block", peer.chain.blocks[0].raw)]


def _repeated_end(peer: PeerServer) -> Answers:
    """The same merkle root with the last transaction twice (CVE-2012-2459)."""

    def answer(payload: bytes) -> list[Message]:
        block = peer.chain.find(payload[5:37])
        assert block
        last = block.raw.rindex(b"\x02\0\0\0\x01")
        return [("block", block.raw[:80] + bytes([block.raw[80] + 1]) + block.raw[81:] + block.raw[last:])]

    return answer


@pytest.mark.parametrize(
    ("command", "lie"),
    [
        ("getcfilters", _false_filter),
        ("getdata", _false_block),
        ("getdata", _other_block),
        ("getdata", _repeated_end),
    ],
)
async def test_a_filter_or_block_that_is_another(tmp_path: Path, truth: PeerChain, command: str, lie: Any) -> None:
    """It is refused and asked of another; who sends it is dropped."""
    honest = truth.fork()
    for _ in range(4):
        honest.mine([(2_500, SCRIPT), (2_500, OTHER)], when=int(time.time()))
    async with serving("main", honest, honest, honest) as peers, following(tmp_path, truth, peers) as source:
        peers[0].answers[command] = lie(peers[0])
        await eventually(lambda: _connected(source, 3))
        cursor, amounts = ref(truth), [2_500] * 4
        for _ in range(30):  # whom to ask is chance, so until the liar was asked
            source._filters._filters.clear()
            assert await follow(source, cursor) == (ref(honest), amounts)
            if await _is_left(source, peers[0]):
                return
    pytest.fail("the liar was never asked, or not dropped")


# Bad input (each beside two honest peers)


def _message(network: bytes, command: bytes, length: int, payload: bytes, checksum: bytes | None = None) -> bytes:
    return struct.pack("<4s12sI4s", network, command, length, checksum or double_sha256(payload)[:4]) + payload


MAGIC = bytes.fromhex("f9beb4d9")
BAD_ANSWERS: dict[str, tuple[str, Answers]] = {
    "empty headers message": ("getheaders", lambda _: [("headers", b"")]),
    "one byte of it": ("getheaders", lambda _: [("headers", b"\xfd")]),
    "a count that lies": ("getheaders", lambda _: [("headers", b"\x05" + bytes(81))]),
    "too many headers": ("getheaders", lambda _: [("headers", b"\xfd\xd1\x07" + bytes(81 * 2_001))]),
    "zeros": ("getheaders", lambda _: [("headers", b"\x01" + bytes(81))]),
    "noise": ("getheaders", lambda _: [("headers", b"\xff" * 9)]),
    "no filter headers": ("getcfheaders", lambda _: [("cfheaders", b"")]),
    "another count": ("getcfheaders", lambda payload: [("cfheaders", b"\0" + payload[5:37] + bytes(32) + b"\0")]),
    "noise for filter headers": ("getcfheaders", lambda _: [("cfheaders", b"\xff" * 70)]),
}
BAD_BYTES = {
    "too long": _message(MAGIC, b"headers", 200_000, b""),
    "enormous": _message(MAGIC, b"block", 0xFFFFFFFF, b""),
    "damaged": _message(MAGIC, b"inv", 1, b"x", b"0000"),
    "another network": _message(b"\0\0\0\0", b"inv", 0, b""),
    "no text": _message(MAGIC, b"\xff" * 12, 20_000_000, b""),
    "flood": _message(MAGIC, b"addr", 1_000_000, bytes(1_000_000)) * 6,
}


@pytest.mark.parametrize("kind", BAD_ANSWERS)
async def test_a_bad_answer_costs_only_its_peer(tmp_path: Path, truth: PeerChain, kind: str) -> None:
    command, answer = BAD_ANSWERS[kind]
    honest = truth.fork()
    honest.mine([(2_500, SCRIPT)])
    async with serving("main", honest, honest, honest) as peers, following(tmp_path, truth, peers) as source:
        peers[0].answers[command] = answer
        await eventually(lambda: _has(source, honest))
        assert await follow(source, ref(truth)) == (ref(honest), [2_500])
        await eventually(lambda: _is_left(source, peers[0]))
        assert await _synced(source)


@pytest.mark.parametrize("kind", BAD_BYTES)
async def test_bad_bytes_cost_only_their_peer(tmp_path: Path, truth: PeerChain, kind: str) -> None:
    async with serving("main", truth, truth, truth) as peers, following(tmp_path, truth, peers) as source:
        await eventually(lambda: _connected(source, 3))
        connections = peers[0].connections
        peers[0].answers["version"] = lambda _: HANG_UP
        peers[0].send_raw(BAD_BYTES[kind])
        await eventually(lambda: _connected(source, 2))
        assert await _synced(source)
        assert peers[0].connections <= connections + 2
        assert await source.step(ref(truth), {}) is None


async def test_headers_without_end(tmp_path: Path) -> None:
    """Where work is free a peer is left when it shows more than there can be; memory stays bounded."""
    rules = replace(RULES["regtest"], most_headers=3_000)
    endless = PeerChain(rules)
    for _ in range(3_500):
        endless.mine(when=endless.time_and_bits(endless.height)[0] + 1)
    async with serving("regtest", endless) as peers:
        source = LightSource("regtest", tmp_path, peers=[peers[0].address], connections=1, rules=rules)
        await source.open()
        await eventually(lambda: _is_left(source, peers[0]))
        assert (await source.status()).headers <= 3_000
        await source.close()


async def test_two_branches_in_turn(tmp_path: Path, truth: PeerChain) -> None:
    """A peer that shows one and then the other would be asked without end: it is left."""
    branches = [PeerChain(truth.rules), PeerChain(truth.rules)]
    for branch, script in zip(branches, (SCRIPT, OTHER), strict=True):
        branch.mine([(1_000, script)])
    async with serving("main", truth, truth, truth) as peers:
        turns = itertools.cycle(branches)
        peers[0].answers["getheaders"] = lambda _: [("headers", headers_message(next(turns), 0))]
        async with following(tmp_path, truth, peers) as source:
            await eventually(lambda: _is_left(source, peers[0]))
            await eventually(lambda: _has(source, truth))


async def test_headers_of_no_difficulty(tmp_path: Path, truth: PeerChain) -> None:
    """The peer is left at the first of them."""
    async with serving("main", truth, truth, truth) as peers, following(tmp_path, truth, peers) as source:
        easy = truth.fork()
        for _ in range(50):
            easy.mine(bits=EASY, when=int(time.time()))
        peers[0].answers["getheaders"] = lambda _: [("headers", headers_message(easy, len(truth.blocks)))]
        peers[0].announce()
        await eventually(lambda: _is_left(source, peers[0]))
        assert await source.tip() == ref(truth)


async def test_a_peer_without_filters_is_not_counted(tmp_path: Path, truth: PeerChain) -> None:
    async with serving("main", truth, truth) as peers:
        peers[0].services &= ~FILTERS
        async with following(tmp_path, truth, peers) as source:
            await asyncio.sleep(0.5)
            status = await source.status()
            assert (status.synced, status.peers) == (False, 1)
            assert "only 1 of the 2 peers" in str(status.error)


async def test_one_peer_named_twice_is_one_peer(tmp_path: Path, truth: PeerChain) -> None:
    async with serving("main", truth) as peers:
        port = peers[0].address.split(":")[1]
        names = [peers[0].address, f"localhost:{port}"]
        source = LightSource("main", tmp_path, peers=names, connections=2, rules=truth.rules)
        await source.open()
        await eventually(lambda: _connected_at_all(source))
        assert not await _synced(source)
        assert peers[0].connections == 1
        await source.close()


async def _connected_at_all(source: LightSource) -> bool:
    return bool(source.pool.connected())


async def test_a_peer_that_comes_back_is_asked_again(tmp_path: Path, truth: PeerChain) -> None:
    """Down is no lie."""
    async with serving("main", truth, truth) as peers, following(tmp_path, truth, peers) as source:
        await eventually(lambda: _synced(source))
        port = int(peers[0].address.split(":")[1])
        await peers[0].stop()
        await eventually(lambda: _connected(source, 1))
        assert not await _synced(source)
        await peers[0].start(port)
        await eventually(lambda: _synced(source))
