"""Whether a form was sent from a page of ours: other sites must not act in a reader's name."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from bitcache.errors import Denied
from gateway.context import context_of


def refuse_other_sites(request: web.Request) -> None:
    """Raise Denied for what another site sent.

    Browsers say where a request comes from; over plain HTTP they say it by ``Origin`` alone.  Programs say nothing.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    ours = site == "same-origin" if site is not None else origin is None or origin in _own_origins(request)
    if not ours:
        raise Denied("this must come from the file's own page")


def from_our_page(request: web.Request) -> bool:
    """Return whether our own page led here, by what browsers say (``Referer`` over plain HTTP); silence is no yes."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    referer = urlsplit(request.headers.get("Referer", ""))
    return f"{referer.scheme}://{referer.netloc}" in _own_origins(request)


def _own_origins(request: web.Request) -> tuple[str, ...]:
    return context_of(request).settings.public_url, f"http://{request.host}", f"https://{request.host}"
