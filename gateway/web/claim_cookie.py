"""The claims of purchases that were begun without JavaScript, in one cookie: ``<F>.<C>~<F>.<C>…``, the newest first.

A cookie may be planted: by a sibling's subdomain (not with TLS, where ``__Host-`` keeps it out), by another port of the
host, by the network without TLS.  So what is read here is as foreign as the claim of a link (docs/protocol.md §1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from aiohttp import web
from sqlalchemy import Connection

from bitcache import key_release, purchases
from bitcache.errors import ClaimMismatch
from bitcache.identifiers import FileId
from bitcache.purchases import Purchase
from bitcache.rails import Rails
from gateway.context import context_of

SECONDS = 90 * 86400
KEPT = 24  #: claims of all files; 67 bytes each, of the 4 096 that a cookie may have
LOOKED_UP = 8  #: claims of one file

_PAIR = re.compile(r"([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})", re.ASCII)


def claims_of(request: web.Request, file_id: FileId) -> list[str]:
    """Return the claims of one file's purchases, the newest first."""
    return [claim for known, claim in _pairs(request) if known == file_id][:LOOKED_UP]


async def purchases_of(request: web.Request, file_id: FileId) -> list[Purchase]:
    """Return the purchases of this file whose claims are in the cookie, the newest first."""
    context, claims = context_of(request), claims_of(request, file_id)

    def look(conn: Connection) -> list[Purchase]:
        claimed = [_view(conn, context.rails, claim) for claim in claims]
        return [purchase for purchase in claimed if purchase is not None and purchase.file_id == file_id]

    return await context.store.read(look)


def _view(conn: Connection, rails: Rails, claim: str) -> Purchase | None:
    try:
        return purchases.view(conn, rails, key_release.purchase_of_claim(conn, claim))
    except ClaimMismatch:
        return None


def keep(request: web.Request, response: web.StreamResponse, file_id: FileId, claim: str) -> None:
    """Let the browser keep this claim beside those it has."""
    pairs = [(str(file_id), claim), *_pairs(request)][:KEPT]
    value = "~".join(f"{known}.{secret}" for known, secret in pairs)
    response.set_cookie(
        _name(request), value, path="/", httponly=True, samesite="Lax", secure=_tls(request), max_age=SECONDS
    )


def _pairs(request: web.Request) -> list[tuple[str, str]]:
    """Return every cookie with our name: one with a longer path would hide another."""
    return list(dict.fromkeys(pair for value in _values(request) for pair in _PAIR.findall(value)))


def _values(request: web.Request) -> Iterator[str]:
    for header in request.headers.getall("Cookie", []):
        for cookie in header.split(";"):
            name, _, value = cookie.strip().partition("=")
            if name == _name(request):
                yield value


def _name(request: web.Request) -> str:
    return "__Host-claims" if _tls(request) else "claims"


def _tls(request: web.Request) -> bool:
    return context_of(request).settings.server.public_url.startswith("https:")
