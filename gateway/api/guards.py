"""Who is asking: the seller's token, the buyer's claim, and the buyer's network address."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache

from aiohttp import web

from bitcache.errors import NotSignedIn
from bitcache.sellers import Seller, seller_by_token
from gateway.api.access import parts_of

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: So many addresses are read once only: a page asks again and again.
REMEMBERED = 4_096

#: ``1.2.3.4:5678``, ``[::1]:99`` and ``[::1]``, as some proxies write them.
_WITH_PORT = re.compile(r"\[([^\[\]]+)\](?::\d{1,5})?|([0-9.]+):\d{1,5}", re.ASCII)


def bearer(request: web.Request) -> str | None:
    """The secret after ``Authorization: Bearer``, if there is one."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" and secret.strip() else None


async def seller(request: web.Request) -> Seller:
    """The seller who asks; raises NotSignedIn."""
    token = bearer(request)
    if token is None:
        raise NotSignedIn("this needs the seller's token")
    return await parts_of(request).store.read(lambda conn: seller_by_token(conn, token))


def claim(request: web.Request) -> str:
    """The buyer's claim secret; raises NotSignedIn when none was sent."""
    secret = bearer(request)
    if secret is None:
        raise NotSignedIn("this needs the claim secret", hint="Send it: Authorization: Bearer <claim secret>")
    return secret


def buyer_key(request: web.Request) -> bytes:
    """A keyed hash of the buyer's network (an IPv6 /56 or one IPv4 address): counts invoices, tells nobody who."""
    parts = parts_of(request)
    return _keyed(parts.buyer_secret, client_address(request, parts.settings.server.trusted_proxies))


@lru_cache(maxsize=REMEMBERED)
def _keyed(secret: bytes, address: str) -> bytes:
    return hmac.digest(secret, network_of(address).encode(), hashlib.sha256)


def client_address(request: web.Request, trusted: Sequence[str]) -> str:
    """Where the request comes from: the nearest address that is not one of our own proxies.

    What a proxy says and nobody can read counts for nothing: then the proxy itself is who asks.
    """
    hops = [one.strip() for one in ",".join(request.headers.getall("X-Forwarded-For", [])).split(",") if one.strip()]
    nearest = _address(request.remote or "")
    while hops and nearest is not None and _within(nearest, trusted):
        nearest = _address(hops.pop())
    return str(nearest) if nearest is not None else request.remote or ""


def network_of(address: str) -> str:
    """What one buyer has: one IPv4 address, or an IPv6 /56 (what providers give one household, 256 times a /64)."""
    ip = _address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(ip) >> 72 << 72, 56)))
    return str(ip) if ip is not None else address


@lru_cache(maxsize=REMEMBERED)
def _address(text: str) -> _Address | None:
    """An address, also with a port or in brackets; IPv4 in IPv6 clothes is IPv4.  None for anything else."""
    plain = _WITH_PORT.fullmatch(text)
    try:
        ip = ipaddress.ip_address((plain[1] or plain[2]) if plain else text)
    except ValueError:
        return None
    return (ip.ipv4_mapped or ip) if isinstance(ip, ipaddress.IPv6Address) else ip


def _within(ip: _Address, ranges: Sequence[str]) -> bool:
    return any(ip in ipaddress.ip_network(one) for one in ranges)
