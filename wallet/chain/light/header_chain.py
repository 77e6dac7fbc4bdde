"""Our own chain of block headers: each checked, and of all that were shown the one with the most work.

Nothing but a heavier chain of checked headers replaces what is here, whoever says so.
"""

from __future__ import annotations

import hashlib
import struct
import time
from collections.abc import Sequence
from pathlib import Path

from bitcache.chain_errors import ChainError, NodeRefused, PeerMisbehaved
from bitcache.chain_types import BlockRef
from wallet.chain.light.consensus import (
    FUTURE_SECONDS,
    MEDIAN_OF,
    PERIOD,
    STALE_SECONDS,
    TIMEWARP_SECONDS,
    ConsensusRules,
)
from wallet.chain.light.difficulty import required_bits, target_of, work_of
from wallet.chain.light.p2p_messages import HEADER

#: A branch may grow so long before it must be heavier than what we have.
LONGEST_BRANCH = 20_000
_AT_ONCE = 2_000


class HeaderChain:
    """Checked headers above the base block of a network."""

    def __init__(self, rules: ConsensusRules) -> None:
        self.rules = rules
        self._hashes = [bytes.fromhex(rules.base.hash)[::-1]]
        self._places = {self._hashes[0]: 0}
        self._headers = bytearray()
        self.work = rules.base.work

    @property
    def tip(self) -> BlockRef:
        """The newest block."""
        return self.at(self.rules.base.height + len(self._hashes) - 1)

    @property
    def tip_time(self) -> int:
        """When the newest block says that it was found, in Unix seconds."""
        return self.time_and_bits(self.tip.height)[0]

    def is_stale(self, now: int) -> bool:
        """Return whether the newest block is too old to be the network's newest; ``now`` in Unix seconds."""
        return self.rules.keeps_pace and now - self.tip_time >= STALE_SECONDS

    def at(self, height: int) -> BlockRef:
        """Return the block at ``height``, which is neither below the base nor above the tip."""
        return BlockRef(height, self.digest(height)[::-1].hex())

    def known(self, height: int) -> bool:
        """Return whether there is a block at ``height`` here."""
        return 0 <= height - self.rules.base.height < len(self._hashes)

    def digest(self, height: int) -> bytes:
        """Return the hash of the block at a known ``height``, as it is on the wire."""
        return self._hashes[height - self.rules.base.height]

    def height_of(self, digest: bytes | None) -> int | None:
        """Return at which height a block (its hash as on the wire) is in this chain; None if it is not."""
        place = self._places.get(digest) if digest else None
        return None if place is None else place + self.rules.base.height

    def header(self, height: int) -> bytes:
        """Return the raw header at a known ``height`` above the base."""
        place = height - self.rules.base.height - 1
        return bytes(self._headers[place * HEADER : (place + 1) * HEADER])

    def time_and_bits(self, height: int) -> tuple[int, int]:
        """Return time and compact target of the header at a known ``height``."""
        place = height - self.rules.base.height
        if place == 0:
            return self.rules.base.time, self.rules.base.bits
        fields: tuple[int, int] = struct.unpack_from("<II", self._headers, (place - 1) * HEADER + 68)
        return fields

    def locator(self, back: int = 0) -> list[bytes]:
        """Return hashes by which a peer finds where its chain leaves ours, from ``back`` blocks below the tip."""
        headers: list[bytes] = []
        place, stride = len(self._hashes) - 1 - back, 1
        while place > 0:
            headers.append(self._hashes[place])
            stride = stride if len(headers) < 10 else stride * 2
            place -= stride
        return [*headers, self._hashes[0]]

    def branch(self, parent: bytes) -> Branch:
        """Return an empty branch that begins after ``parent``; raise NodeRefused when that is not ours."""
        place = self._places.get(parent)
        if place is None:
            raise NodeRefused("the peer's chain does not contain a block that this one must contain")
        return Branch(self, self.rules.base.height + place)

    def adopt(self, branch: Branch) -> bool:
        """Follow a branch if that makes the chain heavier."""
        if not branch.is_attached() or branch.work <= self.work_above(branch.fork):
            return False
        self.work += branch.work - self.work_above(branch.fork)
        keep = branch.fork - self.rules.base.height
        for gone in self._hashes[keep + 1 :]:
            del self._places[gone]
        del self._hashes[keep + 1 :], self._headers[keep * HEADER :]
        for digest in branch.hashes:
            self._places[digest] = len(self._hashes)
            self._hashes.append(digest)
        self._headers += branch.headers
        return True

    def accept(self, batch: Sequence[bytes], now: int | None = None) -> bool:
        """Take headers one after another, if that makes the chain heavier; raise NodeRefused on what cannot be."""
        branch = self.branch(batch[0][4:36])
        branch.add(batch, int(time.time()) if now is None else now)
        return self.adopt(branch)

    def work_above(self, height: int) -> int:
        """Return the work of our own blocks above ``height``."""
        return sum(work_of(self.time_and_bits(place)[1]) for place in range(height + 1, self.tip.height + 1))

    def load(self, path: Path) -> None:
        """Load what was saved, checked anew, as far as it is sound."""
        raw = path.read_bytes() if path.exists() else b""
        saved = [raw[place : place + HEADER] for place in range(0, len(raw) - HEADER + 1, HEADER)]
        for first in range(0, len(saved), _AT_ONCE):
            try:
                self.accept(saved[first : first + _AT_ONCE])
            except ChainError:
                return

    def save(self, path: Path) -> None:
        """Save all of it or nothing.  The file is a cache: losing it costs a download, never a payment."""
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = path.with_suffix(".new")
        whole.write_bytes(bytes(self._headers))
        whole.replace(path)


class Branch:
    """Headers that a peer shows, checked one by one; in the chain only once they are heavier."""

    def __init__(self, chain: HeaderChain, fork: int) -> None:
        self.fork = fork
        self.hashes: list[bytes] = []
        self.headers = bytearray()
        self.work = 0
        self._chain, self._rules = chain, chain.rules
        self._parent = chain.digest(fork)
        self._times: list[tuple[int, int]] = []

    @property
    def tip(self) -> bytes:
        """The hash of its newest block."""
        return self.hashes[-1] if self.hashes else self._parent

    @property
    def height(self) -> int:
        """Of its newest block."""
        return self.fork + len(self.hashes)

    def is_attached(self) -> bool:
        """Return whether the block that it begins after is still in the chain."""
        return self._chain.known(self.fork) and self._chain.digest(self.fork) == self._parent

    def add(self, batch: Sequence[bytes], now: int) -> None:
        """Check headers that follow; raise NodeRefused when they cannot be.  ``now``: Unix seconds."""
        for header in batch:
            digest = _hash(header)
            if header[4:36] != self.tip:
                raise PeerMisbehaved("the peer sent headers that do not follow each other")
            if not self.hashes and self._chain.height_of(digest) == self.fork + 1:
                self.fork, self._parent = self.fork + 1, digest  # we have it
                continue
            self._check(header, digest, now)
            self.hashes.append(digest)
            self.headers += header
        if len(self.hashes) > LONGEST_BRANCH and self.work <= self._chain.work_above(self.fork):
            raise PeerMisbehaved("the peer shows a long chain of little work")

    def _check(self, header: bytes, digest: bytes, now: int) -> None:
        height = self.height + 1
        when, bits = struct.unpack_from("<II", header, 68)
        if bits != required_bits(self._rules, height, when, self._at):
            raise PeerMisbehaved("the peer sent headers of another difficulty than the chain's")
        if int.from_bytes(digest, "little") > target_of(bits):
            raise PeerMisbehaved("the peer sent headers without the work that they must show")
        self._check_time(height, when, now)
        if height - self._rules.base.height > self._rules.most_headers:
            raise PeerMisbehaved("the peer sent more headers than there can be")
        self._times.append((when, bits))
        self.work += work_of(bits)

    def _check_time(self, height: int, when: int, now: int) -> None:
        first = max(self._rules.base.height, height - MEDIAN_OF)
        times = [self._at(place)[0] for place in range(first, height)]
        complete = len(times) == MEDIAN_OF or self._rules.base.height == 0  # of times below the base we know nothing
        if complete and when <= sorted(times)[len(times) // 2]:
            raise PeerMisbehaved("the peer sent a header that is older than those before it")
        if self._rules.bip94 and height % PERIOD == 0 and when < times[-1] - TIMEWARP_SECONDS:
            raise PeerMisbehaved("the peer sent a period that begins before the one before it ended")
        if when > now + FUTURE_SECONDS:
            raise NodeRefused(
                "a block's time lies more than two hours ahead of this machine's clock", hint="Set the clock (NTP)."
            )

    def _at(self, height: int) -> tuple[int, int]:
        return self._times[height - self.fork - 1] if height > self.fork else self._chain.time_and_bits(height)


def _hash(header: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(header).digest()).digest()
