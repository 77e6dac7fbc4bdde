"""Buying without JavaScript, up to the point where only JavaScript, or the command line, can open the file.

The gateway makes the claim secret, keeps its hash as for everyone, and leaves the secret itself in a cookie.  A page
with JavaScript fetches it from there and goes on.  A cookie can be planted, so where to pay is shown for an invoice
that this browser's own press of the button made, and for no other.
"""

from __future__ import annotations

from aiohttp import web

from bitcache import takedowns
from bitcache.errors import TooManyInvoices, WorkRequired
from bitcache.identifiers import FileId, claim_hash, new_secret, parse_file_id
from bitcache.listing_errors import PriceChanged
from bitcache.purchases import PaymentRequest, Purchase
from bitcache.settlement import State
from gateway.api import authentication
from gateway.api.request_bodies import form_fields
from gateway.client.lightning_request import LIGHTNING
from gateway.context import context_of
from gateway.web import claim_cookie, taken_down_page
from gateway.web.own_site import from_our_page, refuse_other_sites
from gateway.web.render_template import page, words_of

_PAID = (State.PROCESSING, State.SETTLED, State.INVALID)
_PAGE = "/f/{file_id:[A-Za-z0-9_-]{22}}"


def routes() -> list[web.RouteDef]:
    """Return the routes of this module."""
    return [
        web.post(_PAGE + "/pay", start),
        web.get(_PAGE + "/pay", show),
        web.get(_PAGE + "/pay/{purchase_id:[A-Za-z0-9_-]{22}}", show),
        web.get(_PAGE + "/claim", hand_over),
    ]


async def start(request: web.Request) -> web.StreamResponse:
    """Make a purchase and show it; what was paid already is shown instead, unless the form asks for a ``new`` one.

    An unpaid one in the cookie is not used again: whoever planted it would be paid for.
    """
    refuse_other_sites(request)
    context, file_id = context_of(request), parse_file_id(request.match_info["file_id"])
    form = await form_fields(request)
    if "new" not in form and any(
        purchase.state in _PAID or purchase.received_sat
        for purchase in await claim_cookie.purchases_of(request, file_id)
    ):
        return web.Response(status=303, headers={"Location": f"/f/{file_id}/pay"})
    claim, networks = new_secret(), authentication.buyer_networks(request)
    try:
        made, _ = await context.invoice_batcher.open(
            file_id, claim_hash(claim), networks, price_sat=_price(form.get("price_sat"))
        )
    except TooManyInvoices as error:
        return _busy(request, file_id, error)
    except PriceChanged:
        return web.Response(status=303, headers={"Location": f"/f/{file_id}?price-changed"})
    response = _made(request, made)
    claim_cookie.keep(request, response, file_id, claim)
    return response


def _price(text: str | None) -> int | None:
    """Return what the form's page showed; an invoice page's "new" shows none."""
    return int(text[:16]) if text and text.isascii() and text.isdecimal() else None


def _made(request: web.Request, purchase: Purchase) -> web.Response:
    """Send the way to the new invoice's page; the page at once for a browser that never says where it comes from."""
    if "Sec-Fetch-Site" not in request.headers and "Referer" not in request.headers:
        return _pay_page(request, purchase, ours=True, reloads=False)
    # browsers apply a redirect's policy to what follows: with "no-referrer" the next page would not know us
    headers = {"Location": f"/f/{purchase.file_id}/pay/{purchase.purchase_id}", "Referrer-Policy": "same-origin"}
    return web.Response(status=303, headers=headers)


def _busy(request: web.Request, file_id: FileId, error: TooManyInvoices) -> web.StreamResponse:
    """Wait, or go on with something that can do a proof of work."""
    work = isinstance(error, WorkRequired)
    response = page(request, "busy.html", status=429, file_id=file_id, work=work)
    response.headers["Retry-After"] = str(error.details.get("retry_after", 60))
    return response


async def show(request: web.Request) -> web.StreamResponse:
    """Send how far it got; and where to pay, if our own page led here to this very purchase."""
    named, file_id = request.match_info.get("purchase_id"), parse_file_id(request.match_info["file_id"])
    claimed = await claim_cookie.purchases_of(request, file_id)
    down = await context_of(request).store.read(lambda conn: takedowns.takedown_of(conn, file_id))
    if down is not None:
        return taken_down_page.instead(request, down.reason, claimed)
    for purchase in claimed:
        if purchase.purchase_id == named and from_our_page(request):
            return _pay_page(request, purchase, ours=True, reloads=not purchase.released)
    if not claimed:
        return web.Response(status=303, headers={"Location": f"/f/{file_id}"})
    best = max(claimed, key=lambda purchase: (purchase.released, purchase.state in _PAID, purchase.received_sat))
    return _pay_page(request, best, ours=False, reloads=not best.released)


def _pay_page(request: web.Request, purchase: Purchase, *, ours: bool, reloads: bool) -> web.Response:
    paid, over = purchase.state in _PAID, _over(purchase)
    to_pay, others = _ways(purchase, request)
    return page(
        request,
        "pay.html",
        file_id=purchase.file_id,
        purchase=purchase,
        to_pay=to_pay,
        others=others,
        fee=context_of(request).network_fee.sat,
        state=_state_text(request, purchase),
        open=ours and not paid and not over,
        foreign=not ours and not paid,
        rest=not ours and not paid and 0 < purchase.received_sat == purchase.confirmed_sat,
        paid=paid,
        over=ours and over,
        reloads=reloads,
    )


async def hand_over(request: web.Request) -> web.StreamResponse:
    """Send the cookie's claims, for this site's own page alone."""
    refuse_other_sites(request)
    claims = claim_cookie.claims_of(request, parse_file_id(request.match_info["file_id"]))
    return web.json_response({"claims": claims}, headers={"Cache-Control": "no-store"})


def _ways(purchase: Purchase, request: web.Request) -> tuple[PaymentRequest | None, list[PaymentRequest]]:
    """Return the way to pay that the page shows, and the others that are ready.

    What the reader chose leads; else Lightning where the network's fee is out of proportion; else the first.
    """
    context = context_of(request)
    lead = request.query.get("rail", LIGHTNING if context.network_fee.is_dear(purchase.due_sat) else None)
    ready = [way for way in purchase.payment_requests if way.uri is not None and _is_payable(way, context.clock())]
    ready.sort(key=lambda way: way.rail != lead)
    return (ready[0], ready[1:]) if ready else (None, [])


def _is_payable(way: PaymentRequest, now: int) -> bool:
    """Return whether it can be paid; an address can be paid for ever, a Lightning invoice only until its end."""
    return way.rail != LIGHTNING or way.expires_at > now


def _over(purchase: Purchase) -> bool:
    """Return whether nothing came in time; what came in part can still be completed."""
    return purchase.state is State.EXPIRED and purchase.received_sat == 0


def _state_text(request: web.Request, purchase: Purchase) -> str:
    words = words_of(request)
    if purchase.received_sat and purchase.state not in _PAID:
        amounts = {"received": words.sat(purchase.received_sat), "due": words.sat(purchase.due_sat)}
        return words("plain.state.partial", **amounts)
    return words(f"plain.state.{purchase.state.value}")
