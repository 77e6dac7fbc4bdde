"""How many of something each visitor may hold at once: connections, event streams, answers on their way.

Counted per visitor (an IPv4 address, an IPv6 /64: what one person has), per site (an IPv4 /24, an IPv6 /48: what one
customer of a provider has), and in all.  The last quarter is kept for visitors who hold nothing, so that whoever takes
much cannot keep others out.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

#: A site may hold so many times what a visitor may.
VISITORS_PER_SITE = 4
#: From this part of all on, only visitors who hold nothing come in.
CROWDED = 0.75
REMEMBERED = 4_096


class VisitorLimits:
    """Counts who holds how many."""

    def __init__(self, per_visitor: int, in_all: int) -> None:
        self._per_visitor, self._in_all = per_visitor, in_all
        self._total = 0
        self._held: Counter[str] = Counter()

    @property
    def total(self) -> int:
        """How many are held."""
        return self._total

    @property
    def full(self) -> bool:
        """Whether nobody more can come in."""
        return self._total >= self._in_all

    @property
    def crowded(self) -> bool:
        """Whether only visitors who hold nothing can."""
        return self._total >= CROWDED * self._in_all

    def enter(self, address: str) -> bool:
        """Count one more for this address, and say whether there was room.  Each True needs one :meth:`leave`.

        No address ("", many people behind one proxy) is bounded in all alone.
        """
        if self.full or not self._has_room(address):
            return False
        self._total += 1
        self._held.update(networks_of(address))
        return True

    def leave(self, address: str) -> None:
        """Count one less."""
        self._total -= 1
        for network in networks_of(address):
            self._held[network] -= 1
            if not self._held[network]:
                del self._held[network]

    @contextmanager
    def entered(self, address: str) -> Iterator[bool]:
        """:meth:`enter`, and :meth:`leave` at the end."""
        inside = self.enter(address)
        try:
            yield inside
        finally:
            if inside:
                self.leave(address)

    def _has_room(self, address: str) -> bool:
        each = 1 if self.crowded else self._per_visitor
        return all(
            self._held[network] < each * times
            for network, times in zip(networks_of(address), (1, VISITORS_PER_SITE), strict=False)
        )


@lru_cache(maxsize=REMEMBERED)
def networks_of(address: str) -> tuple[str, ...]:
    """Return the visitor and the site that an address belongs to; text that is no address is a visitor of its own."""
    if not address:
        return ()
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return (f"visitor {address}",)
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    if isinstance(ip, ipaddress.IPv6Address) and mapped is None:
        return f"visitor {int(ip) >> 64:x}", f"site {int(ip) >> 80:x}"
    number = int(mapped or ip)
    return f"visitor v4 {number:x}", f"site v4 {number >> 8:x}"
