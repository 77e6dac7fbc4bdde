"""The chain of block headers that the light client begins from.

The Bitcoin Dev Kit's client scans filters from the block it is told and cannot go below it, so at every
start we must know a block that is in the chain *now*, at or under the last one processed.  Headers
are the cheap and honest way: 80 bytes a block, each of which proves its work.  The file is a cache:
losing it costs a download, never a payment.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from pathlib import Path

from bitcache.errors import NodeRefused
from bitcache.ledger import BlockRef
from wallet.chain.light.p2p import HEADER

#: Where headers begin: the first block, or on the main network, where that would be 70 MB, one from 2024.
BASES = {
    "main": BlockRef(840_000, "0000000000000000000320283a032748cef8227873ff4872689bf23f1cda83a5"),
    "test": BlockRef(0, "000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943"),
    "testnet4": BlockRef(0, "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043"),
    "signet": BlockRef(0, "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6"),
    "regtest": BlockRef(0, "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"),
}
#: The first block of each network.
GENESIS = {name: base.hash for name, base in BASES.items()} | {
    "main": "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
}
#: Difficulty changes every so many blocks, by a factor of four at most.
RETARGET = 2016
FACTOR = 4


class Headers:
    """The headers after a base block, with the most work of all that were shown to it."""

    def __init__(self, network: str) -> None:
        self.base = BASES[network]
        self._steady = network == "main"  # test networks have easier rules
        self._hashes = [_internal(self.base.hash)]
        self._headers: list[bytes] = []

    @property
    def tip(self) -> BlockRef:
        """The newest block."""
        return self.at(self.base.height + len(self._headers))

    @property
    def tip_time(self) -> int:
        """When the newest block says that it was found; 0 when there is none above the base."""
        return int(struct.unpack_from("<I", self._headers[-1], 68)[0]) if self._headers else 0

    def at(self, height: int) -> BlockRef:
        """The block at ``height``, which is neither below the base nor above the tip."""
        return BlockRef(height, self._hashes[height - self.base.height][::-1].hex())

    def known(self, height: int) -> bool:
        """Whether there is a block at ``height`` here."""
        return self.base.height <= height <= self.tip.height

    def locator(self) -> list[bytes]:
        """Hashes by which a peer finds where its chain leaves ours: dense at the tip, then sparse."""
        found, back, stride = [], len(self._hashes) - 1, 1
        while back > 0:
            found.append(self._hashes[back])
            stride = stride if len(found) < 10 else stride * 2
            back -= stride
        return [*found, self._hashes[0]]

    def accept(self, batch: Sequence[bytes]) -> bool:
        """Take headers that follow one of ours, if they are the heavier branch; raises NodeRefused on lies."""
        fork = self._place_of(batch[0][4:36])
        hashes = self._verified(fork, batch)
        pairs = zip(hashes, self._hashes[fork + 1 : fork + 1 + len(hashes)], strict=False)
        same = next((place for place, (new, old) in enumerate(pairs) if new != old), None)
        if same is None:  # one continues the other
            same = min(len(hashes), len(self._hashes) - fork - 1)
        fork, fresh, hashes = fork + same, batch[same:], hashes[same:]
        if sum(map(_work, fresh)) <= sum(map(_work, self._headers[fork:])):
            return False
        self._headers[fork:] = fresh
        self._hashes[fork + 1 :] = hashes
        return True

    def cut(self, height: int) -> None:
        """Forget the block at ``height`` and what follows: it is no longer in the chain."""
        keep = max(0, height - self.base.height - 1)
        del self._headers[keep:], self._hashes[keep + 1 :]

    def load(self, path: Path) -> None:
        """What was saved, as far as it is sound."""
        raw = path.read_bytes() if path.exists() else b""
        saved = [raw[at : at + HEADER] for at in range(0, len(raw) - HEADER + 1, HEADER)]
        for first in range(0, len(saved), 2_000):
            try:
                self.accept(saved[first : first + 2_000])
            except NodeRefused:
                return

    def save(self, path: Path) -> None:
        """All of it or nothing."""
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = path.with_suffix(".new")
        whole.write_bytes(b"".join(self._headers))
        whole.replace(path)

    def _place_of(self, parent: bytes) -> int:
        for place in range(len(self._hashes) - 1, -1, -1):
            if self._hashes[place] == parent:
                return place
        raise NodeRefused("the peer's chain does not contain a block that this one must contain")

    def _verified(self, fork: int, batch: Sequence[bytes]) -> list[bytes]:
        """The hashes of headers that follow number ``fork``, each checked."""
        parent, before = self._hashes[fork], self._headers[fork - 1] if fork else None
        hashes: list[bytes] = []
        for offset, header in enumerate(batch):
            digest = _hash(header)
            if header[4:36] != parent or int.from_bytes(digest, "little") > _target(header):
                raise NodeRefused("the peer sent headers without the work that they must show")
            if self._steady and before is not None:
                _check_difficulty(self.base.height + fork + 1 + offset, before, header)
            hashes.append(digest)
            parent, before = digest, header
        return hashes


def _check_difficulty(height: int, before: bytes, header: bytes) -> None:
    """The client that runs later checks the exact value; here forging is kept as dear as mining."""
    easiest = _target(before) * (1 if height % RETARGET else FACTOR)
    if _target(header) > easiest or (height % RETARGET and before[72:76] != header[72:76]):
        raise NodeRefused("the peer sent headers that are too easy")


def _target(header: bytes) -> int:
    bits = int.from_bytes(header[72:76], "little")
    exponent, mantissa = bits >> 24, bits & 0x7FFFFF
    return mantissa << 8 * (exponent - 3) if exponent >= 3 else mantissa >> 8 * (3 - exponent)


def _work(header: bytes) -> int:
    return 2**256 // (_target(header) + 1)


def _hash(header: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(header).digest()).digest()


def _internal(shown: str) -> bytes:
    """Hashes are shown backwards."""
    return bytes.fromhex(shown)[::-1]
