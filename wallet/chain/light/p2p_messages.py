"""What peers answer, read from bytes that anybody may have sent; raises PeerMisbehaved and nothing else."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from bitcache.chain_errors import PeerMisbehaved

HEADER = 80
HASH = 32
#: Most headers, and most filter hashes, of one message (BIP157 allows 2 000 of these).
MOST_HEADERS = MOST_FILTER_HASHES = 2_000
#: The type of BIP158's basic filter.
BASIC = 0
_MSG_WITNESS_BLOCK = 0x40000002


@dataclass(frozen=True, slots=True)
class FilterHashes:
    """``cfheaders`` (BIP157): hashes of the filters of the blocks up to ``stop``, and the filter header before them."""

    stop: bytes
    before: bytes
    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class BlockFilter:
    """``cfilter`` (BIP157): the compact filter of a block."""

    block: bytes
    content: bytes


def read_services(payload: bytes) -> int:
    """Return what a peer offers, from its ``version``."""
    if len(payload) < 20:
        raise PeerMisbehaved("the peer's greeting is broken")
    return int(struct.unpack_from("<Q", payload, 4)[0])


def read_headers(payload: bytes) -> list[bytes]:
    """Return raw headers of a ``headers`` message."""
    count, at = read_count(payload, 0)
    if count > MOST_HEADERS or len(payload) != at + count * (HEADER + 1):
        raise PeerMisbehaved("the peer sent broken headers")
    return [payload[place : place + HEADER] for place in range(at, len(payload), HEADER + 1)]


def read_filter_hashes(payload: bytes) -> FilterHashes:
    """Return a ``cfheaders`` message."""
    start = 1 + 2 * HASH
    if len(payload) <= start or payload[0] != BASIC:
        raise PeerMisbehaved("the peer sent broken filter headers")
    count, at = read_count(payload, start)
    if count > MOST_FILTER_HASHES or len(payload) != at + count * HASH:
        raise PeerMisbehaved("the peer sent broken filter headers")
    hashes = tuple(payload[place : place + HASH] for place in range(at, len(payload), HASH))
    return FilterHashes(payload[1 : 1 + HASH], payload[1 + HASH : start], hashes)


def read_filter(payload: bytes) -> BlockFilter:
    """Return a ``cfilter`` message."""
    start = 1 + HASH
    if len(payload) <= start or payload[0] != BASIC:
        raise PeerMisbehaved("the peer sent a broken filter")
    length, at = read_count(payload, start)
    if len(payload) != at + length:
        raise PeerMisbehaved("the peer sent a broken filter")
    return BlockFilter(payload[1:start], payload[at:])


def read_count(raw: bytes, at: int) -> tuple[int, int]:
    """Bitcoin's variable-length integer at ``at``, and where it ends."""
    try:
        first = raw[at]
        if first < 0xFD:
            return first, at + 1
        layout, size = {0xFD: ("<H", 2), 0xFE: ("<I", 4), 0xFF: ("<Q", 8)}[first]
        return int(struct.unpack_from(layout, raw, at + 1)[0]), at + 1 + size
    except (IndexError, struct.error):
        raise PeerMisbehaved("the peer's message ends too early") from None


def ask_headers(protocol: int, locator: list[bytes]) -> bytes:
    """Return the payload of ``getheaders``: what follows the first of these blocks that the peer has."""
    return struct.pack("<IB", protocol, len(locator)) + b"".join(locator) + bytes(HASH)


def ask_filters(first_height: int, stop: bytes) -> bytes:
    """Return the payload of ``getcfheaders`` and ``getcfilters``: from a height up to a block."""
    return struct.pack("<BI", BASIC, first_height) + stop


def ask_block(digest: bytes) -> bytes:
    """Return the payload of ``getdata`` for a whole block, with witnesses (BIP144)."""
    return struct.pack("<BI", 1, _MSG_WITNESS_BLOCK) + digest
