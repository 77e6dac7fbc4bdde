"""Peers that lie about filters and blocks, or send what no peer should: each costs its sender, and nobody else."""

from __future__ import annotations

import asyncio
import itertools
import struct
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.eventually import eventually
from support.light_peers import (
    BLOCKS,
    EASY,
    OTHER,
    SCRIPT,
    follow,
    following,
    has_peers,
    has_tip,
    is_left,
    is_synced,
    low_rules,
    ref,
)
from support.peer_chain import PeerBlock, PeerChain, double_sha256, golomb_coded, transaction
from support.peer_server import FILTERS, HANG_UP, Answers, Message, PeerServer, headers_message, serving

from bitcache.chain_errors import ChainError
from wallet.chain.light.consensus import RULES
from wallet.chain.light.light_source import LightSource


@pytest.fixture
def truth() -> PeerChain:
    """The honest chain: twenty-nine blocks up to ten minutes ago."""
    chain = PeerChain(low_rules())
    for _ in range(BLOCKS - 1):
        chain.mine()
    return chain


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
        await eventually(lambda: has_peers(source, len(peers)))
        assert await follow(source, ref(truth)) == (ref(honest), [2_500])
        for liar in peers[:liars]:
            await eventually(lambda liar=liar: is_left(source, liar))


async def test_a_false_filter_is_not_outvoted_into_silence(tmp_path: Path, truth: PeerChain) -> None:
    """With one honest peer of two nothing is answered once the liar is dropped: one alone is not believed either."""
    honest, lying = hiding(truth)
    async with serving("main", lying, honest) as peers, following(tmp_path, truth, peers) as source:
        await eventually(lambda: has_peers(source, 2))
        with pytest.raises(ChainError, match="only 1 of the 2 peers"):
            await source.step(ref(truth), {SCRIPT: None})
        await eventually(lambda: is_left(source, peers[0]))
        assert not await is_synced(source)


async def test_filters_that_differ_in_what_nobody_can_tell(tmp_path: Path, truth: PeerChain) -> None:
    """Something more in a filter is no provable lie: the block is looked into, and nobody is dropped."""
    honest, odd = truth.fork(), truth.fork()
    block = honest.mine([(2_500, SCRIPT)])
    more = golomb_coded(block.digest, {b"\x51", SCRIPT, b"spent by it"})
    odd.blocks.append(PeerBlock(block.height, block.raw, more, bytes(32)))
    async with serving("main", honest, odd) as peers, following(tmp_path, truth, peers) as source:
        await eventually(lambda: has_peers(source, 2))
        assert await follow(source, ref(truth)) == (ref(honest), [2_500])
        assert await has_peers(source, 2)


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
        await eventually(lambda: has_peers(source, 3))
        cursor, amounts = ref(truth), [2_500] * 4
        for _ in range(30):  # whom to ask is chance, so until the liar was asked
            source._filters._filters.clear()
            assert await follow(source, cursor) == (ref(honest), amounts)
            if await is_left(source, peers[0]):
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
        await eventually(lambda: has_tip(source, honest))
        assert await follow(source, ref(truth)) == (ref(honest), [2_500])
        await eventually(lambda: is_left(source, peers[0]))
        assert await is_synced(source)


@pytest.mark.parametrize("kind", BAD_BYTES)
async def test_bad_bytes_cost_only_their_peer(tmp_path: Path, truth: PeerChain, kind: str) -> None:
    async with serving("main", truth, truth, truth) as peers, following(tmp_path, truth, peers) as source:
        await eventually(lambda: has_peers(source, 3))
        connections = peers[0].connections
        peers[0].answers["version"] = lambda _: HANG_UP
        peers[0].send_raw(BAD_BYTES[kind])
        await eventually(lambda: has_peers(source, 2))
        assert await is_synced(source)
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
        await eventually(lambda: is_left(source, peers[0]))
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
            await eventually(lambda: is_left(source, peers[0]))
            await eventually(lambda: has_tip(source, truth))


async def test_headers_of_no_difficulty(tmp_path: Path, truth: PeerChain) -> None:
    """The peer is left at the first of them."""
    async with serving("main", truth, truth, truth) as peers, following(tmp_path, truth, peers) as source:
        easy = truth.fork()
        for _ in range(50):
            easy.mine(bits=EASY, when=int(time.time()))
        peers[0].answers["getheaders"] = lambda _: [("headers", headers_message(easy, len(truth.blocks)))]
        peers[0].announce()
        await eventually(lambda: is_left(source, peers[0]))
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
        assert not await is_synced(source)
        assert peers[0].connections == 1
        await source.close()


async def _connected_at_all(source: LightSource) -> bool:
    return bool(source.pool.connected())


async def test_a_peer_that_comes_back_is_asked_again(tmp_path: Path, truth: PeerChain) -> None:
    """Down is no lie."""
    async with serving("main", truth, truth) as peers, following(tmp_path, truth, peers) as source:
        await eventually(lambda: is_synced(source))
        port = int(peers[0].address.split(":")[1])
        await peers[0].stop()
        await eventually(lambda: has_peers(source, 1))
        assert not await is_synced(source)
        await peers[0].start(port)
        await eventually(lambda: is_synced(source))
