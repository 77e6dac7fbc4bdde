"""The networks that an address belongs to, smallest first, as keyed hashes: they can be counted, and tell nobody who.

Whoever has one address usually has its neighbours too: an IPv6 line is a /64 or /56, a site or rented server a /48,
and a whole provider a /32.  So quotas count every one of these networks, not single addresses.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

#: Prefix lengths by version of the Internet Protocol: a line, its neighbours, a site, a provider.
PREFIX_LENGTHS = {4: (32, 28, 24, 16), 6: (64, 56, 48, 32)}
SITE = 2  #: index of a site's network among the prefixes
KEY_BYTES = 16
#: So many addresses are hashed once only: a page asks again and again.
REMEMBERED = 4_096

#: Many people may share such an address: a proxy nobody told us of, a Tor service, the computers of one office.
_SHARED = [
    ipaddress.ip_network(prefix)
    for prefix in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::/127",
        "fc00::/7",
        "fe80::/10",
    )
]


@dataclass(frozen=True, slots=True)
class Networks:
    """``keys`` are hashes of an address's networks, smallest first; one alone for an address that many may share."""

    keys: tuple[bytes, ...]

    @property
    def shared(self) -> bool:
        """Whether nothing can be said of who asks from there."""
        return len(self.keys) == 1

    @property
    def neighbours(self) -> bytes:
        """The network in which one person's devices and changing addresses lie, as far as one can know."""
        return self.keys[min(1, len(self.keys) - 1)]

    def pack(self) -> bytes:
        """Return all keys in one value for a column."""
        return b"".join(self.keys)

    @classmethod
    def unpack(cls, packed: bytes) -> Self:
        """Return what :meth:`pack` packed."""
        return cls(tuple(packed[at : at + KEY_BYTES] for at in range(0, len(packed), KEY_BYTES)))


@lru_cache(maxsize=REMEMBERED)
def networks_of(secret: bytes, address: str) -> Networks:
    """Return the networks of ``address``, hashed under ``secret``; text that is no address counts as shared."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return Networks((_key(secret, b"unknown"),))
    if is_shared(ip):
        return Networks((_key(secret, ip.packed),))
    value, size = int(ip), ip.max_prefixlen
    return Networks(
        tuple(
            _key(secret, bytes((ip.version, length)) + (value >> (size - length)).to_bytes(16, "big"))
            for length in PREFIX_LENGTHS[ip.version]
        )
    )


def is_shared(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Return whether this is an address of this machine or of a private network."""
    return any(ip in network for network in _SHARED)


def _key(secret: bytes, network: bytes) -> bytes:
    return hmac.digest(secret, b"bitcache/v1 network\x00" + network, hashlib.sha256)[:KEY_BYTES]
