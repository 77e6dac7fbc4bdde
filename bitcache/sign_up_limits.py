"""How many sign up from where, within an hour: beyond some, each costs a proof of work; nobody is locked out.

Kept in memory alone: a restart forgets it, and the hardest that is asked for is a minute's work of a phone.
"""

from __future__ import annotations

from collections import Counter, deque

from bitcache.buyer_networks import Networks

WINDOW_SECONDS = 3_600
#: Free sign-ups an hour from a line, its neighbours, a site and a provider; an address that many share has its own.
FREE = (5, 20, 50, 500)
FREE_SHARED = 50
FREE_IN_ALL = 5_000
FIRST_BITS, MOST_BITS = 10, 16
#: More than these are not remembered: by then everybody works.
MOST_REMEMBERED = 100_000


class SignUpLimits:
    """Counts; times are Unix seconds, given by the caller."""

    def __init__(self) -> None:
        self._when: deque[tuple[int, tuple[bytes, ...]]] = deque(maxlen=MOST_REMEMBERED)
        self._counts: Counter[bytes] = Counter()

    def bits(self, networks: Networks, now: int) -> int:
        """Return how much work the next sign-up from there costs; 0: none."""
        self._forget(now - WINDOW_SECONDS)
        free = (FREE_SHARED,) if networks.shared else FREE
        over = [self._counts[key] / most for key, most in zip(networks.keys, free, strict=False)]
        excess = max(*over, len(self._when) / FREE_IN_ALL)
        return 0 if excess < 1 else min(FIRST_BITS + int(excess).bit_length() - 1, MOST_BITS)

    def count(self, networks: Networks, now: int) -> None:
        """Count one that signed up."""
        if len(self._when) == MOST_REMEMBERED:
            self._forget(self._when[0][0])
        self._when.append((now, networks.keys))
        self._counts.update(networks.keys)

    def _forget(self, until: int) -> None:
        while self._when and self._when[0][0] <= until:
            for key in self._when.popleft()[1]:
                self._counts[key] -= 1
                if not self._counts[key]:
                    del self._counts[key]
