"""The headers that a light client starts from: the heaviest chain shown, whatever else is shown."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import pytest

from bitcache.errors import InvalidSettings, NodeRefused
from bitcache.ledger import BlockRef
from wallet.chain.light.dial import PeerAddress, read_address
from wallet.chain.light.headers import FACTOR, RETARGET, Headers, _check_difficulty
from wallet.chain.light.p2p import HEADER

EASY = 0x207FFFFF


def mined(parent: bytes, salt: int = 0, bits: int = EASY) -> bytes:
    """A header with the work that it shows."""
    nonce = 0
    while True:
        header = struct.pack("<I", 4) + parent + struct.pack("<32sIII", bytes([salt] * 32), salt, bits, nonce)
        if _digest(header)[31] < 0x7F:
            return header
        nonce += 1


def chain(parent: bytes, count: int, salt: int = 0) -> list[bytes]:
    """Headers one after another."""
    found: list[bytes] = []
    for _ in range(count):
        found.append(mined(_digest(found[-1]) if found else parent, salt))
    return found


def _digest(header: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(header).digest()).digest()


def _ref(height: int, header: bytes) -> BlockRef:
    return BlockRef(height, _digest(header)[::-1].hex())


@pytest.fixture
def headers() -> Headers:
    return Headers("regtest")


@pytest.fixture
def base(headers: Headers) -> bytes:
    return bytes.fromhex(headers.base.hash)[::-1]


def test_headers_are_found_by_height(headers: Headers, base: bytes) -> None:
    shown = chain(base, 5)
    assert headers.tip == headers.base
    assert headers.accept(shown)
    assert headers.tip == _ref(5, shown[4])
    assert [headers.at(height) for height in range(1, 6)] == [_ref(n + 1, one) for n, one in enumerate(shown)]
    assert [headers.known(height) for height in (-1, 0, 5, 6)] == [False, True, True, False]


def test_the_same_again_changes_nothing(headers: Headers, base: bytes) -> None:
    shown = chain(base, 5)
    headers.accept(shown)
    assert not headers.accept(shown)
    assert not headers.accept(shown[2:4])
    assert headers.accept([*shown[3:], mined(_digest(shown[4]))])
    assert headers.tip.height == 6


def test_the_heavier_branch_wins_and_the_lighter_is_forgotten(headers: Headers, base: bytes) -> None:
    trunk = chain(base, 3)
    short, long = chain(_digest(trunk[2]), 2, salt=1), chain(_digest(trunk[2]), 3, salt=2)
    headers.accept(trunk + short)
    assert not headers.accept(chain(_digest(trunk[2]), 2, salt=3)), "equal work: the first one seen stays"
    assert headers.accept(long)
    assert headers.tip == _ref(6, long[2])
    assert not headers.accept(short)


def test_lies_are_refused(headers: Headers, base: bytes) -> None:
    shown = chain(base, 4)
    lazy = next(h for n in range(99) if _digest(h := shown[3][:76] + bytes([n, 9, 9, 9]))[31] > 0x7F)
    for batch in ([lazy], [shown[0], shown[2]], [mined(b"\x07" * 32)], [*shown[:3], lazy]):
        with pytest.raises(NodeRefused):
            headers.accept(batch)
    assert headers.tip == headers.base


def test_on_the_main_network_difficulty_changes_slowly_and_seldom() -> None:
    """Else a handful of invented headers would be cheap."""
    hard, easier = (mined(bytes(32))[:72] + struct.pack("<II", bits, 0) for bits in (0x1702_0000, 0x1702_0001))
    bound = mined(bytes(32))[:72] + struct.pack("<II", 0x1702_0000 + 0x20000 * (FACTOR - 1), 0)
    _check_difficulty(RETARGET + 1, hard, hard)
    _check_difficulty(RETARGET, hard, easier)
    _check_difficulty(RETARGET, hard, bound)
    _check_difficulty(RETARGET, easier, hard)
    too_easy = bound[:72] + struct.pack("<II", 0x1702_0000 + 0x20000 * FACTOR, 0)
    for height, header in ((RETARGET + 1, easier), (RETARGET, too_easy)):
        with pytest.raises(NodeRefused):
            _check_difficulty(height, hard, header)
    with pytest.raises(NodeRefused):
        _check_difficulty(RETARGET + 1, easier, hard)


def test_what_is_cut_off_is_unknown_until_shown_again(headers: Headers, base: bytes) -> None:
    shown = chain(base, 5)
    headers.accept(shown)
    headers.cut(4)
    assert headers.tip == _ref(3, shown[2])
    assert headers.accept(shown[3:])
    headers.cut(1)
    assert headers.tip == headers.base


def test_a_locator_is_dense_near_the_tip_and_ends_at_the_base(headers: Headers, base: bytes) -> None:
    shown = chain(base, 300)
    headers.accept(shown)
    locator = headers.locator()
    assert locator[:10] == [_digest(header) for header in reversed(shown[290:])]
    assert locator[-1] == base
    assert len(locator) < 30


def test_a_file_is_believed_as_far_as_it_is_sound(headers: Headers, base: bytes, tmp_path: Path) -> None:
    file, shown = tmp_path / "new" / "headers.dat", chain(base, 4_100)
    headers.load(file)
    headers.accept(shown)
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
        again = Headers("regtest")
        again.load(file)
        assert again.tip.height == height


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
    found = read_address(text, "main")
    assert found == PeerAddress(host, port)
    assert read_address(str(found), "main") == found


@pytest.mark.parametrize("text", ["", ":1", "a:b", "a:0", "a:65536", "[]:1"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(InvalidSettings):
        read_address(text, "main")
