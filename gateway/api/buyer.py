"""The buyer's calls: see a file, begin a purchase, follow it, get the share."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy import Connection

from bitcache import issue_invoices, key_release, listings, payment_requests
from bitcache.errors import ClaimMismatch, NotFound, PaymentRequired, StorageError, WrongKey
from bitcache.identifiers import CLAIM_BYTES, PurchaseId, b64u, parse_file_id, parse_purchase_id, unb64u
from bitcache.money import btc_text
from gateway.api import authentication, models, qr_picture
from gateway.api.purchase_views import begin, payment_required, purchase_by_id, purchase_of_claim
from gateway.api.request_bodies import json_body, reply
from gateway.context import context_of
from gateway.diagnostics import logs


def routes() -> list[web.RouteDef]:
    """Return the routes of this module."""
    api = "/api/v1"
    return [
        web.get(api + "/files/{file_id}", file, allow_head=False),
        web.get(api + "/files/{file_id}/preview", preview, allow_head=False),
        web.get(api + "/files/{file_id}/groups", groups, allow_head=False),
        web.post(api + "/files/{file_id}/purchases", begin_purchase),
        web.get(api + "/purchases/{purchase_id}", purchase, allow_head=False),
        web.get(api + "/purchases/{purchase_id}/qr.svg", qr_code, allow_head=False),
        web.post(api + "/purchases/{purchase_id}/payment-requests", add_payment_request),
        web.post(api + "/purchases/{purchase_id}/receipt", show_receipt),
        web.get(api + "/claim", claimed, allow_head=False),
        web.get(api + "/share", share, allow_head=False),
    ]


async def file(request: web.Request) -> web.Response:
    """Send what anyone may know of a file; name and preview open with the link alone."""
    context = context_of(request)
    file_id = parse_file_id(request.match_info["file_id"])

    def look(conn: Connection) -> tuple[listings.PublicListing, str | None]:
        offer = listings.get(conn, file_id)
        return offer, listings.why_not_sold(conn, offer, context.clock())

    offer, paused = await context.store.read(look)
    model = models.File(
        file_id=file_id,
        manifest=offer.manifest,
        signature=b64u(offer.signature),
        meta=b64u(offer.meta),
        price_sat=offer.price,
        price_btc=btc_text(offer.price),
        sealed_size=offer.sealed_size,
        confirmations=issue_invoices.confirmations_for(offer.price, context.policy),
        onchain_fee_sat=context.network_fee.sat,
        network=context.rails.network,
        demo=context.demo,
        simulated=context.simulated,
        paused=paused or context.readiness.lasting_reason,
        sell_until=offer.limits.sell_until,
        sales_left=offer.limits.left(offer.paid),
    )
    return reply(model)


async def preview(request: web.Request) -> web.Response:
    """Send the sealed preview."""
    offer = await _offer(request)
    if offer.preview is None:
        raise NotFound("this file has no preview", hint="")
    return web.Response(body=offer.preview)


async def groups(request: web.Request) -> web.Response:
    """Send the group hashes, raw."""
    return web.Response(body=(await _offer(request)).groups)


async def begin_purchase(request: web.Request) -> web.Response:
    """Begin a purchase for a claim hash; the same again gives the same purchase."""
    file_id = parse_file_id(request.match_info["file_id"])
    asked = await json_body(request, models.CreatePurchase)
    digest = unb64u(asked.claim_hash, CLAIM_BYTES, "claim hash")
    networks = authentication.buyer_networks(request)
    bought, created = await begin(context_of(request), file_id, digest, networks, asked.proof_of_work, asked.price_sat)
    return reply(bought, status=201 if created else 200)


async def purchase(request: web.Request) -> web.Response:
    """Send the purchase as it stands."""
    purchase_id = parse_purchase_id(request.match_info["purchase_id"])
    logs.bind(purchase_id=purchase_id)
    return web.Response(
        body=await context_of(request).statuses.of(purchase_id), content_type="application/json", charset="utf-8"
    )


async def qr_code(request: web.Request) -> web.Response:
    """Send what a wallet scans, as a picture: of the way to pay that ``rail`` names, or of the first that is ready."""
    asked = await purchase_by_id(context_of(request), parse_purchase_id(request.match_info["purchase_id"]))
    rail = request.query.get("rail")
    for way in asked.payment_requests:
        if way.uri is not None and rail in (None, way.rail):
            return web.Response(text=await qr_picture.picture(way.uri), content_type="image/svg+xml")
    raise NotFound("this purchase has no such way to pay, or it is not ready")


async def add_payment_request(request: web.Request) -> web.Response:
    """Add a way to pay, for whoever holds the purchase's claim; the same again changes nothing."""
    context, purchase_id = context_of(request), await _claimed_purchase(request)
    asked = await json_body(request, models.AddPaymentRequest)
    changed = await context.invoice_batcher.add_request(purchase_id, asked.rail)
    return reply(models.Purchase.of(changed))


async def show_receipt(request: web.Request) -> web.Response:
    """Record what the buyer's own wallet proves to have paid, should the seller's wallet not report it."""
    context, purchase_id = context_of(request), await _claimed_purchase(request)
    proof = bytes.fromhex((await json_body(request, models.Receipt)).preimage)
    await context.store.write(
        lambda conn: payment_requests.show_receipt(conn, context.rails, purchase_id, proof, context.clock())
    )
    context.hub.wake()
    return reply(await purchase_by_id(context, purchase_id))


async def _claimed_purchase(request: web.Request) -> PurchaseId:
    """Return the purchase that the path names; raise ClaimMismatch unless the claim is its own."""
    purchase_id = parse_purchase_id(request.match_info["purchase_id"])
    claimed = await purchase_of_claim(context_of(request), authentication.claim(request))
    if claimed.purchase_id != purchase_id:
        raise ClaimMismatch("this claim belongs to another purchase")
    return purchase_id


async def claimed(request: web.Request) -> web.Response:
    """Send the purchase that an access link belongs to."""
    return reply(await purchase_of_claim(context_of(request), authentication.claim(request)))


async def share(request: web.Request) -> web.Response:
    """Send the gateway's share, to whoever holds the claim of a settled purchase."""
    context = context_of(request)
    claim = authentication.claim(request)
    try:
        sealed_share = await context.store.read(lambda conn: key_release.share_for(conn, claim))
    except PaymentRequired:
        asked = await purchase_of_claim(context, claim)
        raise await payment_required(context, parse_file_id(asked.file_id), claim) from None
    try:
        opened = context.master_key.unwrap(sealed_share.wrapped, sealed_share.file_id)
    except WrongKey as error:  # ours to repair, not the buyer's
        raise StorageError("the gateway's key does not open this share", hint="Tell the operator.") from error
    return reply(models.Share(file_id=sealed_share.file_id, share=b64u(opened)))


async def _offer(request: web.Request) -> listings.PublicListing:
    file_id = parse_file_id(request.match_info["file_id"])
    return await context_of(request).store.read(lambda conn: listings.get(conn, file_id))
