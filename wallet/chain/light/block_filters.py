"""Compact block filters (BIP158): whether a block may pay a script, and whether a filter leaves one out."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

from siphashc import siphash

from bitcache.chain_errors import PeerMisbehaved
from wallet.chain.light.p2p_messages import read_count

#: The basic filter's false positive rate is one in so many; its remainders have so many bits.
RATE, REMAINDER_BITS = 784_931, 19
_OP_RETURN = 0x6A


class CompactFilter:
    """The filter of one block; raises PeerMisbehaved when the bytes are none."""

    def __init__(self, block: bytes, content: bytes) -> None:
        """``block``: the block's hash as on the wire, whose first 16 bytes are the key."""
        self._key = block[:16]
        count, at = read_count(content, 0)
        bits = (len(content) - at) * 8
        if count * (REMAINDER_BITS + 1) > bits:
            raise PeerMisbehaved("the peer sent a filter that ends too early")
        self._range = count * RATE
        self._values = _decode(content[at:], count)

    def matches(self, scripts: Collection[bytes]) -> bool:
        """Return whether the block may hold an output to one of them, or spend one."""
        if not self._values:
            return False
        key, within, values = self._key, self._range, self._values
        return any(siphash(key, script) * within >> 64 in values for script in scripts)

    def leaves_out(self, scripts: Collection[bytes]) -> bool:
        """Return whether one of these output scripts of the block is missing, which is in no honest filter."""
        return any(not self.matches((script,)) for script in scripts if script and script[0] != _OP_RETURN)


def filter_hash(content: bytes) -> bytes:
    """Return what filter headers commit to."""
    return hashlib.sha256(hashlib.sha256(content).digest()).digest()


def _decode(packed: bytes, count: int) -> set[int]:
    """Yield the values of a Golomb-coded set: each the last one plus a quotient (ones, then a zero) and a remainder."""
    bits = format(int.from_bytes(packed), f"0{len(packed) * 8}b") if packed else ""
    values: set[int] = set()
    value = at = 0
    for _ in range(count):
        end = bits.find("0", at)
        stop = end + 1 + REMAINDER_BITS
        if end < 0 or stop > len(bits):
            raise PeerMisbehaved("the peer sent a filter that ends too early")
        value += (end - at) << REMAINDER_BITS | int(bits[end + 1 : stop], 2)
        values.add(value)
        at = stop
    return values
