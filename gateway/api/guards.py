"""Who is asking: the seller's token, the buyer's claim, and the buyer's network address."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Sequence

from aiohttp import web

from bitcache.errors import NotSignedIn
from bitcache.sellers import Seller, seller_by_token
from gateway.api.access import parts_of


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
    """A keyed hash of the buyer's network (an IPv6 /64 or one IPv4 address): counts invoices, tells nobody who."""
    parts = parts_of(request)
    address = client_address(request, parts.settings.server.trusted_proxies)
    return hmac.digest(parts.buyer_secret, network_of(address).encode(), hashlib.sha256)


def client_address(request: web.Request, trusted: Sequence[str]) -> str:
    """Where the request comes from: the nearest address that is not one of our own proxies."""
    hops = [one.strip() for one in ",".join(request.headers.getall("X-Forwarded-For", [])).split(",") if one.strip()]
    nearest = request.remote or ""
    while hops and _within(nearest, trusted):
        nearest = hops.pop()
    return nearest


def _within(address: str, ranges: Sequence[str]) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(ip in ipaddress.ip_network(one) for one in ranges)


def network_of(address: str) -> str:
    """What one buyer has: an IPv6 /64, or one IPv4 address."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((int(ip) >> 64 << 64, 64)))
    return str(ip)
