"""When a wallet is asked whether an invoice was paid: often at first, then less, and a last time after its end.

Notifications are hints that may be lost, so every open invoice is asked for in the end; a wallet's relay counts
requests, so they are spread (lookups a minute).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from bitcache.payment_rail import AwaitedRequest

#: Seconds between two questions, by the age of the invoice at most.
INTERVALS = ((60, 2), (600, 10), (3600, 30))
LONGEST_INTERVAL = 120
#: An invoice that was paid in its last second may be reported so long after its end (seconds).
LATE_SECONDS = 30
#: A relay refuses more than 60 events a minute.
MOST_A_MINUTE = 40
MOST_HINTS = 1000


@dataclass(slots=True)
class _Lookup:
    request: AwaitedRequest
    asked_at: int | None = None
    looked_at: int | None = None

    def is_over(self, now: int) -> bool:
        """Return whether it was asked for after it could be paid for the last time, by a clock that was not ahead."""
        return self.looked_at is not None and self.request.expires_at + LATE_SECONDS < self.looked_at <= now

    def known_until(self, now: int) -> int:
        """Return up to when it is known whether it was paid; what a clock said that was ahead is not known here."""
        if self.looked_at is not None and self.looked_at <= now:
            return self.looked_at
        return self.request.created_at - 1

    def due_at(self, now: int) -> int:
        """Return when it is to be asked for (Unix seconds); before all others what lies in the future."""
        if self.asked_at is None:
            return 0 if self.request.created_at > now else self.request.created_at + INTERVALS[0][1]
        if self.asked_at > now:
            return 0
        age = self.asked_at - self.request.created_at
        interval = next((seconds for most, seconds in INTERVALS if age < most), LONGEST_INTERVAL)
        last = self.request.expires_at + LATE_SECONDS + 1
        return last if self.asked_at < last < self.asked_at + interval else self.asked_at + interval


class LookupSchedule:
    """What one wallet is asked for, and when; times are Unix seconds, given by the caller."""

    def __init__(self, most_a_minute: int = MOST_A_MINUTE) -> None:
        self._lookups: dict[bytes, _Lookup] = {}
        self._hinted: set[bytes] = set()
        self._asked_at: deque[int] = deque(maxlen=most_a_minute)

    def update(self, awaited: Iterable[AwaitedRequest]) -> None:
        """Take over what may still be paid: these and no others."""
        self._lookups = {
            request.match_key: self._lookups.get(request.match_key) or _Lookup(request) for request in awaited
        }

    def hint(self, match_key: bytes) -> None:
        """Ask soon: this one may have been paid.  A wallet may hint at what is none of ours, or not yet known here."""
        if len(self._hinted) < MOST_HINTS:
            self._hinted.add(match_key)

    def next(self, now: int) -> AwaitedRequest | None:
        """Return what to ask for now, if anything; it counts as asked."""
        while self._asked_at and self._asked_at[-1] > now:  # the clock was set back
            self._asked_at.pop()
        if len(self._asked_at) == self._asked_at.maxlen and self._asked_at[0] > now - 60:
            return None
        lookup = self._hint() or min(
            self._open(now), key=lambda one: (one.due_at(now), one.asked_at or 0), default=None
        )
        if lookup is None or (lookup.due_at(now) > now and lookup.request.match_key not in self._hinted):
            return None
        self._hinted.discard(lookup.request.match_key)
        self._asked_at.append(now)
        return lookup.request

    def looked(self, match_key: bytes, at: int) -> None:
        """Note that the wallet answered a question that was put at ``at``."""
        if match_key in self._lookups:
            self._lookups[match_key].asked_at = self._lookups[match_key].looked_at = at

    def passed_over(self, match_key: bytes, at: int) -> bool:
        """Note that the question put at ``at`` found no answer: others are asked first, and this stays unknown.

        Return whether the one before had found an answer, or there was none.
        """
        lookup = self._lookups.get(match_key)
        if lookup is None:
            return False
        was_answered, lookup.asked_at = lookup.asked_at == lookup.looked_at, at
        return was_answered

    def known_until(self, now: int) -> int:
        """Return up to when everything is known."""
        return min((now, *(lookup.known_until(now) for lookup in self._open(now))))

    def _open(self, now: int) -> list[_Lookup]:
        return [lookup for lookup in self._lookups.values() if not lookup.is_over(now)]

    def _hint(self) -> _Lookup | None:
        return next((self._lookups[key] for key in self._hinted if key in self._lookups), None)
