"""Any bytes from a peer: what is not understood is a ChainError and nothing else, and costs little."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.peer_chain import PeerChain, count, double_sha256, golomb_coded

from bitcache.chain_errors import ChainError, PeerMisbehaved
from wallet.chain.light import p2p_messages
from wallet.chain.light.block_filters import CompactFilter
from wallet.chain.light.consensus import RULES
from wallet.chain.light.dial_peer import PeerAddress
from wallet.chain.light.difficulty import bits_of, target_of, work_of
from wallet.chain.light.header_chain import HeaderChain
from wallet.chain.light.peer_connection import PeerConnection
from wallet.chain.light.peer_discovery import Peers, neighbourhood
from wallet.chain.light.peer_pool import PeerPool
from wallet.chain.light.peer_records import BANNED_SECONDS, REMEMBERED, PeerRecords
from wallet.chain.light.verify_block import read_block

COMMANDS = ("version", "verack", "headers", "cfheaders", "cfilter", "block", "ping", "inv", "addr", "x")


def any_bytes(start: bytes = b"") -> st.SearchStrategy[bytes]:
    return st.binary(max_size=400).map(lambda rest: start + rest)


@pytest.mark.parametrize(
    "read",
    [
        p2p_messages.read_services,
        p2p_messages.read_headers,
        p2p_messages.read_filter_hashes,
        p2p_messages.read_filter,
        lambda raw: CompactFilter(bytes(32), raw),
        read_block,
    ],
)
@settings(deadline=None)
@given(raw=any_bytes())
def test_no_bytes_surprise_a_parser(read: Callable[[bytes], object], raw: bytes) -> None:
    with suppress(PeerMisbehaved):
        read(raw)


@settings(deadline=None)
@given(raw=st.lists(st.binary(min_size=80, max_size=80), min_size=1, max_size=3), attached=st.booleans())
def test_no_headers_surprise_the_chain(raw: list[bytes], attached: bool) -> None:
    """Whatever they say of difficulty; and none of them is taken."""
    for network, rules in RULES.items():
        headers = HeaderChain(rules)
        parent = headers.digest(rules.base.height)
        shown = [raw[0][:4] + parent + raw[0][36:], *raw[1:]] if attached else raw
        with suppress(ChainError):
            headers.accept(shown)
        assert network == "regtest" or headers.tip.height == rules.base.height


@settings(deadline=None)
@given(rest=any_bytes())
def test_no_transactions_surprise_a_block(rest: bytes) -> None:
    block = PeerChain(RULES["regtest"]).mine([(1_000, b"\x51")])
    with suppress(PeerMisbehaved):
        assert read_block(block.raw[:80] + rest).raw == block.raw


@settings(deadline=None)
@given(scripts=st.sets(st.binary(min_size=1, max_size=40), max_size=30), salt=st.binary(min_size=32, max_size=32))
def test_a_filter_holds_what_was_put_into_it(scripts: set[bytes], salt: bytes) -> None:
    compact_filter = CompactFilter(salt, golomb_coded(salt, scripts))
    assert all(compact_filter.matches([script]) for script in scripts)
    assert compact_filter.matches(scripts) == bool(scripts)
    assert not compact_filter.matches([])


def test_a_filter_of_bip158() -> None:
    """Test vectors of BIP158: testnet block 0, and block 2, each with the scripts of its outputs."""
    genesis = bytes.fromhex("43497fd7f826957108f4a30fd9cec3aeba79972084e90ead01ea330900000000")
    script = bytes.fromhex(
        "4104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d"
        "578a4c702b6bf11d5fac"
    )
    content = bytes.fromhex("019dfca8")
    assert CompactFilter(genesis, content).matches([script])
    assert not CompactFilter(genesis, content).matches([script[:-1], b"\x51"])
    assert not CompactFilter(genesis, content).leaves_out({script, b"", b"\x6a\x01x"})
    assert CompactFilter(genesis, content).leaves_out({script, b"\x51"})


@given(target=st.integers(1, (1 << 256) - 1))
def test_compact_targets_round_down_and_stay(target: int) -> None:
    bits = bits_of(target)
    assert 0 < target_of(bits) <= target
    assert bits_of(target_of(bits)) == bits
    assert work_of(bits) >= (1 << 256) // (target + 1)


@given(bits=st.integers(0, 0xFFFFFFFF))
def test_any_compact_target_can_be_read(bits: int) -> None:
    assert 0 <= target_of(bits) < 1 << 256
    assert work_of(bits) > 0


async def _talk(raw: bytes, *, greeted: bool) -> None:
    """A connection to a peer that sends these bytes, after a proper greeting or instead of one."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if greeted:
            version = struct.pack("<iQq", 70016, 1 << 6, 0) + bytes(66)
            for command, payload in (("version", version), ("verack", b"")):
                writer.write(_framed(command, payload))
        writer.write(raw)
        with suppress(OSError):
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = PeerAddress("127.0.0.1", server.sockets[0].getsockname()[1])
    try:
        peer = await PeerConnection.open(address, "main", timeout=2)
        try:
            await peer.headers([bytes(32)])
            await peer.filter_hashes(0, bytes(32), 1)
        finally:
            await peer.close()
    except ChainError:
        pass
    finally:
        server.close()


def _framed(command: str, payload: bytes, length: int | None = None) -> bytes:
    size = len(payload) if length is None else length
    return (
        struct.pack("<4s12sI4s", bytes.fromhex("f9beb4d9"), command.encode(), size, double_sha256(payload)[:4])
        + payload
    )


@settings(deadline=None, max_examples=40)
@given(
    sent=st.lists(
        st.tuples(st.sampled_from(COMMANDS), st.binary(max_size=200), st.none() | st.integers(0, 0xFFFFFFFF)),
        max_size=6,
    ),
    noise=st.binary(max_size=50),
    greeted=st.booleans(),
)
def test_no_conversation_surprises_a_connection(
    sent: list[tuple[str, bytes, int | None]], noise: bytes, greeted: bool
) -> None:
    """Whatever a peer sends, every question ends in an answer or in a ChainError."""
    asyncio.run(_talk(b"".join(_framed(*message) for message in sent) + noise, greeted=greeted))


def test_lengths_that_lie_cost_nothing() -> None:
    """A count of 2^64 is refused before anything is made room for."""
    huge = b"\xff" * 9
    for read, start in (
        (p2p_messages.read_headers, b""),
        (p2p_messages.read_filter_hashes, bytes(65)),
        (p2p_messages.read_filter, bytes(33)),
        (lambda raw: CompactFilter(bytes(32), raw), b""),
        (read_block, bytes(80)),
    ):
        with pytest.raises(PeerMisbehaved):
            read(start + huge)
    assert count(0xFD) == b"\xfd\xfd\0"


# Who is remembered


def test_liars_are_left_for_an_hour_and_those_that_hang_up_are_asked_last() -> None:
    records, peers = PeerRecords(), [PeerAddress(f"192.0.2.{number}", 8333) for number in range(4)]
    records.failed(peers[0], 100.0)
    records.failed(peers[1], 101.0)
    records.misbehaved(peers[2], 101.0)
    assert records.to_dial(peers, 100.5) == [peers[3]]
    assert records.to_dial(peers, 110.0) == [peers[3], peers[0], peers[1]]
    records.failed(peers[2], 200.0)
    assert peers[2] not in records.to_dial(peers, 101.0 + BANNED_SECONDS - 1), "hanging up does not shorten it"
    assert peers[2] in records.to_dial(peers, 102.0 + BANNED_SECONDS)


def test_one_that_fails_again_and_again_is_asked_less_often() -> None:
    records, peer = PeerRecords(), PeerAddress("192.0.2.1", 8333)
    for number in range(10):
        records.failed(peer, 1_000.0 * number)
    assert records.to_dial([peer], 9_029.0) == []
    records.worked(peer)
    records.failed(peer, 20_000.0)
    assert records.to_dial([peer], 20_001.5) == [peer]


def test_memory_of_peers_is_bounded() -> None:
    records = PeerRecords()
    for number in range(REMEMBERED + 100):
        records.misbehaved(PeerAddress(f"peer{number}", 1), float(number))
    assert len(records) == REMEMBERED


def test_neighbours_are_one_party() -> None:
    places = [neighbourhood(PeerAddress(host, 1)) for host in ("198.51.0.1", "198.51.255.1", "198.52.0.1")]
    assert places[0] == places[1] != places[2]
    assert neighbourhood(PeerAddress("2001:db8::1", 1)) == neighbourhood(PeerAddress("2001:db8:ffff::1", 1))


def test_of_those_that_seeds_name_one_of_each_neighbourhood_is_dialled() -> None:
    """Whoever runs many nodes in one place is one voice; those that settings name are the operator's choice."""
    hosts = ("198.51.0.1", "198.51.7.7", "192.0.2.1", "2001:db8::1", "2001:db8::2")
    addresses = [PeerAddress(host, 8333) for host in hosts]
    for named, expected in (((), [addresses[0], addresses[2], addresses[3]]), (hosts, addresses)):
        pool = PeerPool(Peers("main", named, 2, None), HeaderChain(RULES["main"]), lambda: None)
        pool.candidates = addresses
        assert pool._choice() == expected
