"""How often something was done from where, within an hour; kept in memory alone, so a restart forgets it."""

from __future__ import annotations

from collections import Counter, deque

from bitcache.buyer_networks import Networks

WINDOW_SECONDS = 3_600
#: More than these are not remembered.
MOST_REMEMBERED = 100_000


class NetworkRates:
    """Counts by network and in all; times are Unix seconds, given by the caller.

    ``free``: how often within an hour for a line, its neighbours, a site and a provider; ``shared``: for an address
    that many may share; ``in_all``: everybody.
    """

    def __init__(self, free: tuple[int, int, int, int], shared: int, in_all: int) -> None:
        self._free, self._shared, self._in_all = free, shared, in_all
        self._when: deque[tuple[int, tuple[bytes, ...]]] = deque(maxlen=MOST_REMEMBERED)
        self._counts: Counter[bytes] = Counter()

    def excess(self, networks: Networks, now: int) -> float:
        """Return how many times the free number was done from there; from 1 on there is none left."""
        self._forget(now - WINDOW_SECONDS)
        free = (self._shared,) if networks.shared else self._free
        over = [self._counts[key] / most for key, most in zip(networks.keys, free, strict=False)]
        return max(*over, len(self._when) / self._in_all)

    def count(self, networks: Networks, now: int) -> None:
        """Count one that was done."""
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
