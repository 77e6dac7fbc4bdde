"""Our own chain of headers: every rule that makes a lie cost as much as mining, and the most work wins."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from support.peer_chain import PeerChain, double_sha256, mined_header

from bitcache.chain_errors import NodeRefused, PeerMisbehaved
from bitcache.chain_types import BlockRef
from bitcache.errors import InvalidSettings
from wallet.chain.light.consensus import PERIOD, RULES, BaseBlock, ConsensusRules
from wallet.chain.light.dial_peer import PeerAddress, read_address
from wallet.chain.light.difficulty import bits_of, required_bits, target_of, work_of
from wallet.chain.light.header_chain import HeaderChain
from wallet.chain.light.p2p_messages import HEADER

EASY = 0x207FFFFF
NOW = int(time.time())
#: Main-network rules where a block costs a few hashes: its base is four times as hard as the least.
MAIN = ConsensusRules(BaseBlock(PERIOD * 5, "11" * 32, 0x201FFFFF, NOW - 60 * 86_400, 10), limit_bits=EASY)
TEST = replace(MAIN, least_difficulty_after_20_minutes=True)


def shown(chain: PeerChain, above: int = 0) -> list[bytes]:
    """Headers of a chain's blocks above height ``above``."""
    return [block.header for block in chain.blocks if block.height > above]


def accept(headers: HeaderChain, chain: PeerChain) -> bool:
    """Show all of a chain, as a peer does."""
    blocks = shown(chain)
    results = [headers.accept(blocks[first : first + 2_000], NOW) for first in range(0, len(blocks), 2_000)]
    return any(results)


def chain_of(rules: ConsensusRules, blocks: int) -> PeerChain:
    """So many honest blocks, ten minutes apart."""
    chain = PeerChain(rules)
    for _ in range(blocks):
        chain.mine()
    return chain


def _ref(chain: PeerChain, height: int) -> BlockRef:
    return BlockRef(height, chain.at(height).digest[::-1].hex())


@pytest.fixture
def headers() -> HeaderChain:
    return HeaderChain(RULES["regtest"])


def test_headers_are_found_by_height(headers: HeaderChain) -> None:
    chain = chain_of(RULES["regtest"], 5)
    assert headers.tip == BlockRef(0, RULES["regtest"].base.hash)
    assert accept(headers, chain)
    assert [headers.at(height) for height in range(1, 6)] == [_ref(chain, height) for height in range(1, 6)]
    assert [headers.known(height) for height in (-1, 0, 5, 6)] == [False, True, True, False]
    assert [headers.height_of(block.digest) for block in chain.blocks] == [1, 2, 3, 4, 5]
    assert headers.work == 2 + 5 * 2


def test_the_same_again_changes_nothing(headers: HeaderChain) -> None:
    chain = chain_of(RULES["regtest"], 5)
    accept(headers, chain)
    assert not accept(headers, chain)
    assert not headers.accept(shown(chain)[2:4], NOW)
    chain.mine()
    assert headers.accept(shown(chain)[3:], NOW)
    assert headers.tip.height == 6


def test_the_heavier_branch_wins_and_a_lighter_one_leaves_nothing(headers: HeaderChain) -> None:
    trunk = chain_of(RULES["regtest"], 3)
    short, equal, long = trunk.fork(), trunk.fork(), trunk.fork()
    for chain, blocks in ((short, 2), (equal, 2), (long, 3)):
        for _ in range(blocks):
            chain.mine()
    assert accept(headers, short)
    before = headers.work, headers.tip
    assert not accept(headers, equal), "equal work: the first one seen stays"
    assert (headers.work, headers.tip) == before
    assert [headers.height_of(block.digest) for block in equal.blocks[3:]] == [None, None]
    assert accept(headers, long)
    assert headers.tip == _ref(long, 6)
    assert not accept(headers, short)
    assert [headers.height_of(block.digest) for block in short.blocks[3:]] == [None, None]


def test_work_counts_and_not_length() -> None:
    """A longer branch of less work, possible where difficulty may drop, does not win."""
    hard, easy = PeerChain(TEST), PeerChain(TEST)
    for _ in range(4):
        hard.mine()
    for _ in range(8):
        easy.mine(when=easy.time_and_bits(easy.height)[0] + 1_201)
    headers = HeaderChain(TEST)
    assert accept(headers, easy)
    assert accept(headers, hard)
    assert headers.tip == _ref(hard, hard.height)
    assert not accept(headers, easy)


@pytest.mark.parametrize("rules", [RULES["regtest"], MAIN, TEST], ids=["regtest", "main", "test"])
def test_lies_are_refused(rules: ConsensusRules) -> None:
    headers, chain = HeaderChain(rules), chain_of(rules, 4)
    lazy, stranger = chain.fork(), PeerChain(replace(rules, base=replace(rules.base, hash="22" * 32)))
    lazy.mine(lazy=True)
    stranger.mine()
    gap = [shown(chain)[0], shown(chain)[2]]
    for batch in (shown(lazy), gap, shown(stranger), [bytes(80)], [b"\xff" * 80]):
        with pytest.raises(NodeRefused):
            headers.accept(batch, NOW)
    assert headers.tip.height == rules.base.height


@pytest.mark.parametrize("bits", [0x207FFFFF, 0x1D00FFFF, 0, 0xFF7FFFFF, 0x01000000, 0x20800000, 0x23000001])
def test_difficulty_is_the_networks_from_the_first_header_on(bits: int) -> None:
    """Each of them alone in its message, so nothing but our own chain can tell."""
    headers = HeaderChain(RULES["main"])
    header = mined_header(headers.digest(headers.tip.height), bytes(32), NOW, EASY)
    header = header[:72] + bits.to_bytes(4, "little") + header[76:]
    with pytest.raises(PeerMisbehaved, match="difficulty"):
        headers.accept([header], NOW)


@pytest.mark.parametrize(("spacing", "factor"), [(600, 1), (300, 0.5), (1_200, 2), (60, 0.25), (3_600, 4)])
def test_a_period_that_was_fast_or_slow_changes_difficulty_by_so_much(spacing: int, factor: float) -> None:
    """By at most four.  A chain that does it a little differently is refused at the first header that differs."""
    rules = replace(MAIN, base=replace(MAIN.base, bits=0x2007FFFF, time=NOW - 100 * 86_400))
    chain = PeerChain(rules)
    for _ in range(PERIOD - 1):
        chain.mine(when=chain.time_and_bits(chain.height)[0] + spacing)
    base, last = rules.base, chain.time_and_bits(chain.height)[0]
    took = min(max(last - base.time, 302_400), 4_838_400)
    expected = bits_of(target_of(base.bits) * took // 1_209_600)
    assert target_of(expected) == pytest.approx(target_of(base.bits) * factor, rel=0.002)
    headers = HeaderChain(rules)
    accept(headers, chain)
    for wrong in (expected - 1, expected + 1, base.bits if factor != 1 else EASY):
        lying = chain.fork()
        lying.mine(bits=wrong)
        with pytest.raises(PeerMisbehaved, match="difficulty"):
            headers.accept(shown(lying, chain.height), NOW)
    chain.mine(bits=expected)
    assert headers.accept(shown(chain, chain.height - 1), NOW)


#: The first block of each period of the main network from 828 576 on: time and compact target (bitcoinj's checkpoints).
REAL_PERIODS = ((838_656, 1_712_783_853, 0x17034219), (840_672, 1_713_970_312, 0x170331DB))


def test_a_real_change_of_difficulty() -> None:
    """Of block 840 672: only its predecessor's time is not pinned, and must lie within what rounding allows."""
    (first, began, bits), (second, ended, after) = REAL_PERIODS
    targets = set()
    for last in range(ended - 7_200, ended + 7_200):
        times = {second - 1: (last, bits), first: (began, bits)}
        targets.add(required_bits(RULES["main"], second, ended, times.__getitem__))
    assert after in targets
    assert all(abs(target_of(bits) / target_of(after) - 1) < 0.013 for bits in targets)


def test_the_test_networks_twenty_minutes() -> None:
    """A block that comes late may be easy; the one after it is as hard as the last that was not."""
    chain = PeerChain(TEST)
    chain.mine()
    chain.mine(when=chain.time_and_bits(chain.height)[0] + 1_201)
    assert chain.time_and_bits(chain.height)[1] == EASY
    chain.mine()
    assert chain.time_and_bits(chain.height)[1] == TEST.base.bits
    headers = HeaderChain(TEST)
    assert accept(headers, chain)
    early = chain.fork()
    early.mine(when=early.time_and_bits(early.height)[0] + 1_200, bits=EASY)
    with pytest.raises(PeerMisbehaved, match="difficulty"):
        headers.accept(shown(early, chain.height), NOW)
    with pytest.raises(PeerMisbehaved, match="difficulty"):
        accept(HeaderChain(MAIN), chain)


def test_testnet4_reckons_from_the_first_block_of_a_period() -> None:
    """BIP94: one easy block at the end does not make the next period easy, and time may not jump back there."""
    rules = replace(TEST, bip94=True)
    chain = chain_of(rules, PERIOD - 2)
    chain.mine(when=chain.time_and_bits(chain.height)[0] + 1_201)
    at, height, when = chain.time_and_bits, chain.height + 1, chain.time_and_bits(chain.height)[0] + 600
    assert chain.time_and_bits(chain.height)[1] == EASY
    assert required_bits(replace(TEST), height, when, at) == EASY
    assert target_of(required_bits(rules, height, when, at)) < target_of(EASY) // 3
    headers = HeaderChain(rules)
    accept(headers, chain)
    warped = chain.fork()
    warped.mine(when=at(chain.height)[0] - 601)
    with pytest.raises(PeerMisbehaved, match="period"):
        headers.accept(shown(warped, chain.height), NOW)
    chain.mine(when=at(chain.height)[0] - 600)
    assert headers.accept(shown(chain, chain.height - 1), NOW)


def test_a_blocks_time_is_after_the_median_of_eleven_and_not_far_ahead() -> None:
    chain = chain_of(MAIN, 20)
    headers = HeaderChain(MAIN)
    accept(headers, chain)
    median = chain.time_and_bits(chain.height - 5)[0]
    for when, error in ((median, "older"), (median - 1, "older"), (NOW + 7_201, "clock")):
        lying = chain.fork()
        lying.mine(when=when)
        with pytest.raises(NodeRefused, match=error):
            headers.accept(shown(lying, chain.height), NOW)
    chain.mine(when=median + 1)
    assert headers.accept(shown(chain, chain.height - 1), NOW)


def test_there_is_an_end_to_headers_that_cost_nothing() -> None:
    rules = replace(RULES["regtest"], most_headers=100)
    chain = chain_of(rules, 101)
    headers = HeaderChain(rules)
    with pytest.raises(PeerMisbehaved, match="more headers"):
        accept(headers, chain)


def test_a_compact_target_and_back() -> None:
    """The examples of Bitcoin Core's arith_uint256 tests, and what is no target."""
    for bits, target in ((0x1D00FFFF, 0xFFFF << 208), (0x04123456, 0x12345600), (0x05009234, 0x92340000), (0, 0)):
        assert target_of(bits) == target
        if target:
            assert bits_of(target) == bits
    assert [target_of(bits) for bits in (0x04923456, 0xFF123456, 0x23000001)] == [0, 0, 0]
    assert bits_of(0x80) == 0x02008000
    assert work_of(0x1D00FFFF) == 0x100010001


def test_every_base_begins_a_period_and_is_below_its_minimum() -> None:
    """Else the first change of difficulty could not be checked; and a base proves its own work by its hash."""
    for network, rules in RULES.items():
        assert rules.base.height % PERIOD == 0
        assert int(rules.base.hash, 16) <= target_of(rules.base.bits) <= target_of(rules.limit_bits), network
        assert network == "regtest" or rules.minimum_work > rules.base.work > 0


def test_a_chain_must_keep_pace_with_the_clock() -> None:
    base = RULES["main"].base
    assert RULES["main"].least_height(base.time) == base.height
    assert RULES["main"].least_height(base.time + 1_000 * 600) == base.height + 900
    assert RULES["regtest"].least_height(NOW) == 0


def test_a_locator_is_dense_near_the_tip_and_ends_at_the_base(headers: HeaderChain) -> None:
    chain = chain_of(RULES["regtest"], 300)
    accept(headers, chain)
    locator = headers.locator()
    assert locator[:10] == [block.digest for block in reversed(chain.blocks[290:])]
    assert locator[-1][::-1].hex() == RULES["regtest"].base.hash
    assert len(locator) < 30
    assert headers.locator(1)[0] == chain.at(299).digest


def test_a_file_is_believed_as_far_as_it_is_sound(headers: HeaderChain, tmp_path: Path) -> None:
    file, chain = tmp_path / "new" / "headers.dat", chain_of(RULES["regtest"], 4_100)
    headers.load(file)
    accept(headers, chain)
    headers.save(file)
    whole = file.read_bytes()
    for content, height in (
        (whole, 4_100),
        (whole[:-1], 4_099),
        (whole[: HEADER * 2_500] + bytes(HEADER) + whole[HEADER * 2_501 :], 2_000),
        (b"\xff" * 1_000, 0),
        (b"", 0),
    ):
        file.write_bytes(content)
        again = HeaderChain(RULES["regtest"])
        again.load(file)
        assert again.tip.height == height


def test_the_harness_hashes_as_bitcoin_does() -> None:
    assert double_sha256(b"").hex() == "5df6e0e2761359d30a8275058e299fcc0381534545f55cf43e41983f5d4c9456"


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("192.0.2.7", "192.0.2.7", 8333),
        (" node.example:8444 ", "node.example", 8444),
        ("[2001:db8::1]", "2001:db8::1", 8333),
        ("[2001:db8::1]:1", "2001:db8::1", 1),
        ("2001:db8::1", "2001:db8::1", 8333),
    ],
)
def test_addresses_of_peers(text: str, host: str, port: int) -> None:
    address = read_address(text, "main")
    assert address == PeerAddress(host, port)
    assert read_address(str(address), "main") == address


@pytest.mark.parametrize("text", ["", ":1", "a:b", "a:0", "a:65536", "[]:1"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(InvalidSettings):
        read_address(text, "main")
