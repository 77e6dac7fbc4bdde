"""Buying without JavaScript, up to the point where only JavaScript, or the command line, can open the file.

The gateway makes the claim secret, keeps its hash as for everyone, and leaves the secret itself in a cookie.  A page
with JavaScript fetches it from there and goes on.  A cookie can be planted, so where to pay is shown for an invoice
that this browser's own press of the button made, and for no other.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from aiohttp import web
from sqlalchemy import Connection

from bitcache import release, transfers
from bitcache.errors import ClaimMismatch, Denied, TooMany, WorkRequired
from bitcache.identifiers import FileId, claim_hash, new_secret, parse_file_id
from bitcache.ports import Rail
from bitcache.settlement import State
from bitcache.transfers import Transfer
from gateway.api import guards
from gateway.api.access import parts_of
from gateway.web import claim_cookie
from gateway.web.render import page, words_of

_PAID = (State.PROCESSING, State.SETTLED, State.INVALID)
_PAGE = "/f/{file_id:[A-Za-z0-9_-]{22}}"


def routes() -> list[web.RouteDef]:
    """The routes of this module."""
    return [
        web.post(_PAGE + "/pay", start),
        web.get(_PAGE + "/pay", show),
        web.get(_PAGE + "/pay/{transfer_id:[A-Za-z0-9_-]{22}}", show),
        web.get(_PAGE + "/claim", hand_over),
    ]


async def start(request: web.Request) -> web.StreamResponse:
    """Make a transfer and show it; what was paid already is shown instead, unless the form asks for a ``new`` one.

    An unpaid one in the cookie is not used again: whoever planted it would be paid for.
    """
    _same_site(request)
    parts, file_id = parts_of(request), parse_file_id(request.match_info["file_id"])
    form = await request.post()
    if "new" not in form and any(found.state in _PAID or found.received_sat for found in await _purchases(request)):
        return web.Response(status=303, headers={"Location": f"/f/{file_id}/pay"})
    claim = new_secret()
    try:
        made, _ = await parts.till.open(file_id, claim_hash(claim), guards.buyer_networks(request))
    except TooMany as error:
        return _busy(request, file_id, error)
    response = _made(request, made)
    claim_cookie.keep(request, response, file_id, claim)
    return response


def _made(request: web.Request, transfer: Transfer) -> web.Response:
    """The way to the new invoice's page; the page at once for a browser that never says where it comes from."""
    if "Sec-Fetch-Site" not in request.headers and "Referer" not in request.headers:
        return _pay_page(request, transfer, ours=True, reloads=False)
    # browsers apply a redirect's policy to what follows: with "no-referrer" the next page would not know us
    headers = {"Location": f"/f/{transfer.file_id}/pay/{transfer.transfer_id}", "Referrer-Policy": "same-origin"}
    return web.Response(status=303, headers=headers)


def _busy(request: web.Request, file_id: FileId, error: TooMany) -> web.StreamResponse:
    """Wait, or go on with something that can do a proof of work."""
    work = isinstance(error, WorkRequired)
    response = page(request, "busy.html", status=429, file_id=file_id, work=work)
    response.headers["Retry-After"] = str(error.details.get("retry_after", 60))
    return response


async def show(request: web.Request) -> web.StreamResponse:
    """How far it got; and where to pay, if our own page led here to this very transfer."""
    named = request.match_info.get("transfer_id")
    purchases = await _purchases(request)
    for found in purchases:
        if found.transfer_id == named and _from_our_page(request):
            return _pay_page(request, found, ours=True, reloads=not found.released)
    if not purchases:
        return web.Response(status=303, headers={"Location": f"/f/{request.match_info['file_id']}"})
    best = max(purchases, key=lambda found: (found.released, found.state in _PAID, found.received_sat))
    return _pay_page(request, best, ours=False, reloads=not best.released)


def _pay_page(request: web.Request, transfer: Transfer, *, ours: bool, reloads: bool) -> web.Response:
    paid, over = transfer.state in _PAID, _over(transfer)
    return page(
        request,
        "pay.html",
        file_id=transfer.file_id,
        transfer=transfer,
        asked=asked(transfer),
        state=_state_text(request, transfer),
        open=ours and not paid and not over,
        foreign=not ours and not paid,
        rest=not ours and not paid and 0 < transfer.received_sat == transfer.confirmed_sat,
        paid=paid,
        over=ours and over,
        reloads=reloads,
    )


async def hand_over(request: web.Request) -> web.StreamResponse:
    """The cookie's claims, for this site's own page alone."""
    _same_site(request)
    claims = claim_cookie.claims_of(request, parse_file_id(request.match_info["file_id"]))
    return web.json_response({"claims": claims}, headers={"Cache-Control": "no-store"})


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
    ours = site == "same-origin" if site is not None else origin is None or origin in _own_origins(request)
    if not ours:
        raise Denied("this must come from the file's own page")


def _from_our_page(request: web.Request) -> bool:
    """Whether our own page led here, by what browsers say (``Referer`` alone over plain HTTP); silence is no yes."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    referer = urlsplit(request.headers.get("Referer", ""))
    return f"{referer.scheme}://{referer.netloc}" in _own_origins(request)


def _own_origins(request: web.Request) -> tuple[str, ...]:
    return parts_of(request).settings.public_url, f"http://{request.host}", f"https://{request.host}"


async def _purchases(request: web.Request) -> list[Transfer]:
    """The transfers of this file whose claims are in the cookie, the newest first."""
    parts, file_id = parts_of(request), parse_file_id(request.match_info["file_id"])
    claims = claim_cookie.claims_of(request, file_id)

    def look(conn: Connection) -> list[Transfer]:
        found = [_view(conn, parts.rail, claim) for claim in claims]
        return [one for one in found if one is not None and one.file_id == file_id]

    return await parts.store.read(look)


def _view(conn: Connection, rail: Rail, claim: str) -> Transfer | None:
    try:
        return transfers.view(conn, rail, release.transfer_of_claim(conn, claim))
    except ClaimMismatch:
        return None


def _state_text(request: web.Request, transfer: Transfer) -> str:
    words = words_of(request)
    if transfer.received_sat and transfer.state not in _PAID:
        amounts = {"received": words.sat(transfer.received_sat), "due": words.sat(transfer.due_sat)}
        return words("plain.state.partial", **amounts)
    return words(f"plain.state.{transfer.state.value}")
