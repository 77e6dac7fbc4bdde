"""The claims of purchases that were begun without JavaScript, in one cookie: ``<F>.<C>~<F>.<C>…``, the newest first.

A cookie may be planted: by a sibling's subdomain (not with TLS, where ``__Host-`` keeps it out), by another port of the
host, by the network without TLS.  So what is read here is as foreign as the claim of a link (docs/protocol.md §1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from aiohttp import web

from bitcache.identifiers import FileId
from gateway.context import context_of

SECONDS = 90 * 86400
KEPT = 24  #: claims of all files; 67 bytes each, of the 4 096 that a cookie may have
LOOKED_UP = 8  #: claims of one file

_PAIR = re.compile(r"([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})", re.ASCII)


def claims_of(request: web.Request, file_id: FileId) -> list[str]:
    """Return the claims of one file's purchases, the newest first."""
    return [claim for known, claim in _pairs(request) if known == file_id][:LOOKED_UP]


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
