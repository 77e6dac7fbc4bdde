"""Who is asking: the seller's token, the buyer's claim, and the buyer's networks."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache

from aiohttp import web

from bitcache import access_tokens
from bitcache.access_tokens import Access, Scope
from bitcache.buyer_networks import Networks, is_shared, networks_of
from bitcache.errors import Unauthenticated
from bitcache.sellers import Seller
from gateway.context import context_of

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: So many addresses are read once only: a page asks again and again.
REMEMBERED = 4_096

#: ``1.2.3.4:5678``, ``[::1]:99`` and ``[::1]``, as some proxies write them.
_WITH_PORT = re.compile(r"\[([^\[\]]+)\](?::\d{1,5})?|([0-9.]+):\d{1,5}", re.ASCII)


def bearer(request: web.Request) -> str | None:
    """Return the secret after ``Authorization: Bearer``, if there is one."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" and secret.strip() else None


async def access(request: web.Request, scope: Scope) -> Access:
    """Return who asks, and with what right; raise Unauthenticated, ScopeMissing."""
    context, token = context_of(request), bearer(request)
    if token is None:
        raise Unauthenticated("this needs the seller's token")
    now = context.clock()
    asked = await context.store.read(lambda conn: access_tokens.access_by_token(conn, token, now))
    asked.require(scope)
    token_id = asked.token_id
    if asked.unnoted and token_id is not None:
        await context.store.write(lambda conn: access_tokens.note_use(conn, token_id, now))
    return asked


async def seller(request: web.Request, scope: Scope = Scope.SELL) -> Seller:
    """Return the seller who asks; raise Unauthenticated, ScopeMissing."""
    return (await access(request, scope)).seller


def claim(request: web.Request) -> str:
    """Return the buyer's claim secret; raise Unauthenticated when none was sent."""
    secret = bearer(request)
    if secret is None:
        raise Unauthenticated("this needs the claim secret", hint="Send it: Authorization: Bearer <claim secret>")
    return secret


def buyer_networks(request: web.Request) -> Networks:
    """Return the networks of the buyer's address, as keyed hashes: they count invoices, and tell nobody who."""
    context = context_of(request)
    trusted = context.settings.server.trusted_proxies
    proxy = unlisted_proxy(request, trusted)
    if proxy is not None:
        context.proxy_notice.seen(proxy)
    return networks_of(context.buyer_secret, client_address(request, trusted))


def unlisted_proxy(request: web.Request, trusted: Sequence[str]) -> str | None:
    """Return the address of a proxy that is probably the operator's own and not listed: it is private, and forwards."""
    if "X-Forwarded-For" not in request.headers and "Forwarded" not in request.headers:
        return None
    peer = _address(request.remote or "")
    return str(peer) if peer is not None and is_shared(peer) and not _within(peer, trusted) else None


def client_address(request: web.Request, trusted: Sequence[str]) -> str:
    """Return where the request comes from: the nearest address that is not one of our own proxies.

    What a proxy says and nobody can read counts for nothing: then the proxy itself is who asks.
    """
    hops = [hop.strip() for hop in ",".join(request.headers.getall("X-Forwarded-For", [])).split(",") if hop.strip()]
    nearest = _address(request.remote or "")
    while hops and nearest is not None and _within(nearest, trusted):
        nearest = _address(hops.pop())
    return str(nearest) if nearest is not None else request.remote or ""


@lru_cache(maxsize=REMEMBERED)
def _address(text: str) -> _Address | None:
    """Return an address, also with a port or in brackets; IPv4 in IPv6 clothes is IPv4.  None for anything else."""
    plain = _WITH_PORT.fullmatch(text)
    try:
        ip = ipaddress.ip_address((plain[1] or plain[2]) if plain else text)
    except ValueError:
        return None
    return (ip.ipv4_mapped or ip) if isinstance(ip, ipaddress.IPv6Address) else ip


def _within(ip: _Address, ranges: Sequence[str]) -> bool:
    return any(ip in ipaddress.ip_network(network) for network in ranges)
