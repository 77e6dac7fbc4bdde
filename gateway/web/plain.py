"""Buying without JavaScript, up to the point where only JavaScript, or the command line, can open the file.

The gateway makes the claim secret, keeps its hash as for everyone, and leaves the secret itself in a cookie
that only this file's pages get.  A page with JavaScript fetches it from there and goes on.
"""

from __future__ import annotations

import re

from aiohttp import web

from bitcache import release, transfers
from bitcache.errors import ClaimMismatch, Denied, TooMany, WorkRequired
from bitcache.identifiers import FileId, claim_hash, new_secret, parse_file_id
from bitcache.settlement import State
from bitcache.transfers import Transfer
from gateway.api import guards
from gateway.api.access import parts_of
from gateway.web.render import page, words_of

COOKIE = "claim"
COOKIE_SECONDS = 90 * 86400

_PAID = (State.PROCESSING, State.SETTLED, State.INVALID)


def routes() -> list[web.RouteDef]:
    """The routes of this module."""
    return [
        web.post("/f/{file_id:[A-Za-z0-9_-]{22}}/pay", start),
        web.get("/f/{file_id:[A-Za-z0-9_-]{22}}/pay", show),
        web.get("/f/{file_id:[A-Za-z0-9_-]{22}}/claim", hand_over),
    ]


def claim_of(request: web.Request) -> str | None:
    """The claim secret in the cookie, if it looks like one."""
    claim = request.cookies.get(COOKIE, "")
    return claim if re.fullmatch(r"[A-Za-z0-9_-]{43}", claim) else None


async def start(request: web.Request) -> web.StreamResponse:
    """Make a transfer, or find the one that waits already; then show it."""
    _same_site(request)
    parts, file_id = parts_of(request), parse_file_id(request.match_info["file_id"])
    response = web.Response(status=303, headers={"Location": f"/f/{file_id}/pay"})
    found = await _transfer(request, file_id)
    if found is not None and not _over(found):
        return response
    claim = new_secret()
    try:
        await parts.till.open(file_id, claim_hash(claim), guards.buyer_networks(request))
    except TooMany as error:
        return _busy(request, file_id, error)
    secure = parts.settings.server.public_url.startswith("https:")
    response.set_cookie(
        COOKIE, claim, path=f"/f/{file_id}", httponly=True, samesite="Lax", secure=secure, max_age=COOKIE_SECONDS
    )
    return response


def _busy(request: web.Request, file_id: FileId, error: TooMany) -> web.StreamResponse:
    """Wait, or go on with something that can do a proof of work."""
    work = isinstance(error, WorkRequired)
    response = page(request, "busy.html", status=429, file_id=file_id, work=work)
    response.headers["Retry-After"] = str(error.details.get("retry_after", 60))
    return response


async def show(request: web.Request) -> web.StreamResponse:
    """Where to pay and how far it got."""
    file_id = parse_file_id(request.match_info["file_id"])
    found = await _transfer(request, file_id)
    if found is None:
        return web.Response(status=303, headers={"Location": f"/f/{file_id}"})
    paid = found.state in _PAID
    return page(
        request,
        "pay.html",
        file_id=file_id,
        transfer=found,
        asked=asked(found),
        state=_state_text(request, found),
        open=not paid and not _over(found),
        paid=paid,
        over=_over(found),
        reloads=not found.released,
    )


async def hand_over(request: web.Request) -> web.StreamResponse:
    """The cookie's claim, for this site's own page alone."""
    _same_site(request)
    return web.json_response({"claim": claim_of(request)}, headers={"Cache-Control": "no-store"})


def asked(transfer: Transfer) -> int:
    """What the invoice's URI asks for: what is due, or the smallest payment that the network carries."""
    amount = re.search(r"[?&]amount=(\d+)(?:\.(\d{1,8}))?(?:&|$)", transfer.uri)
    return int(amount[1] + (amount[2] or "").ljust(8, "0")) if amount else transfer.due_sat


def _over(transfer: Transfer) -> bool:
    """Nothing came in time; what came in part can still be completed."""
    return transfer.state is State.EXPIRED and transfer.received_sat == 0


def _same_site(request: web.Request) -> None:
    """Other sites can neither start a purchase in a reader's name nor ask for its claim.

    Browsers say where a request comes from; over plain HTTP they say it by ``Origin`` alone.  Programs say nothing.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        ours = site == "same-origin"
    else:
        own = (parts_of(request).settings.public_url, f"http://{request.host}", f"https://{request.host}")
        ours = origin is None or origin in own
    if not ours:
        raise Denied("this must come from the file's own page")


async def _transfer(request: web.Request, file_id: FileId) -> Transfer | None:
    claim, parts = claim_of(request), parts_of(request)
    if claim is None:
        return None
    try:
        found = await parts.store.read(
            lambda conn: transfers.view(conn, parts.rail, release.transfer_of_claim(conn, claim))
        )
    except ClaimMismatch:
        return None
    return found if found.file_id == file_id else None


def _state_text(request: web.Request, transfer: Transfer) -> str:
    words = words_of(request)
    if transfer.received_sat and transfer.state not in _PAID:
        amounts = {"received": words.sat(transfer.received_sat), "due": words.sat(transfer.due_sat)}
        return words("plain.state.partial", **amounts)
    return words(f"plain.state.{transfer.state.value}")
