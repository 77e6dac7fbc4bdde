"""How many sign up from where, within an hour: beyond some, each costs a proof of work; nobody is locked out.

The hardest that is asked for is a minute's work of a phone.
"""

from __future__ import annotations

from bitcache.buyer_networks import Networks
from bitcache.network_rates import NetworkRates

#: Free sign-ups an hour from a line, its neighbours, a site and a provider; an address that many share has its own.
FREE = (5, 20, 50, 500)
FREE_SHARED = 50
FREE_IN_ALL = 5_000
FIRST_BITS, MOST_BITS = 10, 16


class SignUpLimits:
    """What the next sign-up costs; times are Unix seconds, given by the caller."""

    def __init__(self) -> None:
        self._rates = NetworkRates(FREE, FREE_SHARED, FREE_IN_ALL)

    def bits(self, networks: Networks, now: int) -> int:
        """Return how much work the next sign-up from there costs; 0: none."""
        excess = self._rates.excess(networks, now)
        return 0 if excess < 1 else min(FIRST_BITS + int(excess).bit_length() - 1, MOST_BITS)

    def count(self, networks: Networks, now: int) -> None:
        """Count one that signed up."""
        self._rates.count(networks, now)
