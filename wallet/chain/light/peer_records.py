"""Peers that lied, and peers that hung up: remembered for a while, so that others are asked first."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from wallet.chain.light.dial_peer import PeerAddress

#: A peer that broke the rules is left alone for so long.
BANNED_SECONDS = 60 * 60
#: One that hung up or did not answer: so long, doubled each time, up to the second number.
RETRY_SECONDS, LONGEST_RETRY_SECONDS = 1.0, 30.0
#: So many are remembered; the oldest are forgotten.
REMEMBERED = 1_000


@dataclass(slots=True)
class _Record:
    failures: int
    failed_at: float
    until: float


class PeerRecords:
    """What went wrong with whom.  ``now`` is monotonic seconds."""

    def __init__(self) -> None:
        self._records: OrderedDict[PeerAddress, _Record] = OrderedDict()

    def misbehaved(self, peer: PeerAddress, now: float | None = None) -> None:
        """Remember that it lied."""
        self._note(peer, BANNED_SECONDS, time.monotonic() if now is None else now)

    def failed(self, peer: PeerAddress, now: float | None = None) -> None:
        """Remember that it hung up, or never answered."""
        before = self._records.get(peer)
        wait = min(RETRY_SECONDS * 2 ** min(before.failures if before else 0, 10), LONGEST_RETRY_SECONDS)
        self._note(peer, wait, time.monotonic() if now is None else now)

    def worked(self, peer: PeerAddress) -> None:
        """Remember that it was of use: the next failure is a first one; that it failed lately stays known."""
        if record := self._records.get(peer):
            record.failures = 0

    def to_dial(self, peers: Iterable[PeerAddress], now: float | None = None) -> list[PeerAddress]:
        """Return those that may be asked again: first those that never failed, last the one that failed last."""
        moment = time.monotonic() if now is None else now
        usable = [peer for peer in peers if peer not in self._records or self._records[peer].until <= moment]
        return sorted(usable, key=lambda peer: self._records[peer].failed_at if peer in self._records else -1.0)

    def __len__(self) -> int:
        return len(self._records)

    def _note(self, peer: PeerAddress, wait: float, now: float) -> None:
        before = self._records.pop(peer, None)
        until = max(now + wait, before.until if before else 0.0)
        self._records[peer] = _Record((before.failures if before else 0) + 1, now, until)
        while len(self._records) > REMEMBERED:
            self._records.popitem(last=False)
