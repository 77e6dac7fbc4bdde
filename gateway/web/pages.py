"""What people open in a browser: the pages, their style sheets and scripts, and the widget."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from bitcache import listings
from bitcache.identifiers import parse_file_id
from bitcache.listing_errors import TakenDown
from gateway.context import context_of
from gateway.web import claim_cookie, no_script_checkout, report_page, source_tarball, static_assets, taken_down_page
from gateway.web.render_template import page, words_of
from gateway.web.translations import Translations


def routes() -> list[web.RouteDef]:
    """Return the routes of this module."""
    return [
        web.get("/", home),
        web.get("/sell", sell),
        web.get("/embed", embed),
        web.get("/f/{file_id:[A-Za-z0-9_-]{22}}", file),
        *no_script_checkout.routes(),
        *report_page.routes(),
        *source_tarball.routes(),
        web.get("/static/{path:.+}", static_assets.static),
        web.get("/bitcache-pay.js", static_assets.widget),
        web.get("/{path:widget/.+}", static_assets.static),
    ]


async def home(request: web.Request) -> web.Response:
    """``/``: what this is."""
    return page(request, "home.html")


async def sell(request: web.Request) -> web.Response:
    """``/sell``: the seller's page."""
    return page(request, "sell.html", sign_up=context_of(request).settings.accounts.sign_up)


async def embed(request: web.Request) -> web.Response:
    """``/embed``: an example of the widget.  Whoever asks can put any name into ``Host``: only ours is shown."""
    return page(request, "embed.html", origin=context_of(request).settings.public_url)


async def file(request: web.Request) -> web.Response:
    """``/f/<F>``: the buyer's page, and with ``?embed`` the widget's frame."""
    context, file_id = context_of(request), parse_file_id(request.match_info["file_id"])
    try:
        offer = await context.store.read(lambda conn: listings.get(conn, file_id))
    except TakenDown as error:
        return taken_down_page.instead(request, error.advice, await claim_cookie.purchases_of(request, file_id))
    paused = await context.store.read(lambda conn: listings.why_not_sold(conn, offer, context.clock()))
    return page(
        request,
        "file.html",
        file_id=file_id,
        price_sat=offer.price,
        sealed_size=offer.sealed_size,
        paused=paused or context.readiness.lasting_reason,
        sell_until=offer.limits.sell_until,
        sales_left=offer.limits.left(offer.paid),
        embed="embed" in request.query,
        price_changed="price-changed" in request.query,
        pending_claim=bool(claim_cookie.claims_of(request, file_id)),
    )


def error(request: web.Request, answer: web.Response) -> web.Response:
    """Send a problem as a page, for those who read pages; programs get the problem itself."""
    if "text/html" not in request.headers.get("Accept", "*/*"):
        return answer
    problem: dict[str, Any] = json.loads(answer.text or "{}")
    words = words_of(request)
    missing, down = answer.status == 404, problem.get("code") == TakenDown.code
    response = page(
        request,
        "problem.html",
        status=answer.status,
        title=words("page.missing.title" if missing else "page.down.title" if down else "page.error.title"),
        text=words("page.missing.text") if missing else _sentence(words, problem),
        incident=problem.get("incident"),
        repair=missing and request.path.startswith("/f/"),
    )
    for name in ("Allow", "Retry-After", "Connection"):
        if name in answer.headers:
            response.headers[name] = answer.headers[name]
    return response


def _sentence(words: Translations, problem: dict[str, Any]) -> str:
    """Return what a problem's code says, and what the operator says of a file that is taken down."""
    sentence = words.error(str(problem.get("code")), problem.get("reason"))
    return f"{sentence} {problem['hint']}" if problem.get("code") == TakenDown.code else sentence
