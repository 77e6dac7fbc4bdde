"""The buyer's calls: see a file, begin a purchase, follow it, get the share."""

from __future__ import annotations

from aiohttp import web
from sqlalchemy import Connection

from bitcache import invoices, listings, release, sellers
from bitcache.errors import NotFound, PaymentRequired, StorageError, WrongKey
from bitcache.identifiers import CLAIM_BYTES, b64u, parse_file_id, parse_transfer_id, unb64u
from bitcache.money import btc_text
from gateway import logs
from gateway.api import guards, models, qr
from gateway.api.access import parts_of
from gateway.api.bodies import json_body, reply
from gateway.api.transfers import begin, payment_required, transfer_by_id, transfer_of_claim


def routes() -> list[web.RouteDef]:
    """The routes of this module."""
    api = "/api/v1"
    return [
        web.get(api + "/files/{file_id}", file, allow_head=False),
        web.get(api + "/files/{file_id}/preview", preview, allow_head=False),
        web.get(api + "/files/{file_id}/groups", groups, allow_head=False),
        web.post(api + "/files/{file_id}/transfers", begin_transfer),
        web.get(api + "/transfers/{transfer_id}", transfer, allow_head=False),
        web.get(api + "/transfers/{transfer_id}/qr.svg", qr_code, allow_head=False),
        web.get(api + "/claim", claimed, allow_head=False),
        web.get(api + "/share", share, allow_head=False),
    ]


async def file(request: web.Request) -> web.Response:
    """What anyone may know of a file; name and preview open with the link alone."""
    parts = parts_of(request)
    file_id = parse_file_id(request.match_info["file_id"])

    def look(conn: Connection) -> tuple[listings.Offer, str | None]:
        offer = listings.get(conn, file_id)
        return offer, sellers.why_paused(conn, offer.seller_id, offer.price)

    offer, paused = await parts.store.read(look)
    model = models.File(
        file_id=file_id,
        manifest=offer.manifest,
        signature=b64u(offer.signature),
        meta=b64u(offer.meta),
        price_sat=offer.price,
        price_btc=btc_text(offer.price),
        sealed_size=offer.sealed_size,
        confirmations=invoices.confirmations_for(offer.price, parts.policy),
        network=parts.rail.network,
        demo=parts.demo,
        simulated=parts.simulated,
        paused=paused or parts.readiness.lasting_reason,
    )
    return reply(model)


async def preview(request: web.Request) -> web.Response:
    """The sealed preview."""
    offer = await _offer(request)
    if offer.preview is None:
        raise NotFound("this file has no preview", hint="")
    return web.Response(body=offer.preview)


async def groups(request: web.Request) -> web.Response:
    """The group hashes, raw."""
    return web.Response(body=(await _offer(request)).groups)


async def begin_transfer(request: web.Request) -> web.Response:
    """A transfer for a claim hash; the same again gives the same transfer."""
    file_id = parse_file_id(request.match_info["file_id"])
    asked = await json_body(request, models.TransferRequest)
    digest = unb64u(asked.claim_hash, CLAIM_BYTES, "claim hash")
    networks = guards.buyer_networks(request)
    found, created = await begin(parts_of(request), file_id, digest, networks, asked.proof_of_work)
    return reply(found, status=201 if created else 200)


async def transfer(request: web.Request) -> web.Response:
    """The transfer as it stands."""
    transfer_id = parse_transfer_id(request.match_info["transfer_id"])
    logs.bind(transfer_id=transfer_id)
    return web.Response(
        body=await parts_of(request).statuses.of(transfer_id), content_type="application/json", charset="utf-8"
    )


async def qr_code(request: web.Request) -> web.Response:
    """What a wallet scans, as a picture."""
    found = await transfer_by_id(parts_of(request), parse_transfer_id(request.match_info["transfer_id"]))
    return web.Response(text=await qr.picture(found.uri), content_type="image/svg+xml")


async def claimed(request: web.Request) -> web.Response:
    """The transfer that a recovery link belongs to."""
    return reply(await transfer_of_claim(parts_of(request), guards.claim(request)))


async def share(request: web.Request) -> web.Response:
    """The gateway's share, to whoever holds the claim of a settled transfer."""
    parts = parts_of(request)
    claim = guards.claim(request)
    try:
        found = await parts.store.read(lambda conn: release.share_for(conn, claim))
    except PaymentRequired:
        asked = await transfer_of_claim(parts, claim)
        raise await payment_required(parts, parse_file_id(asked.file_id), claim) from None
    try:
        opened = parts.master_key.unwrap(found.wrapped, found.file_id)
    except WrongKey as error:  # ours to repair, not the buyer's
        raise StorageError("the gateway's key does not open this share", hint="Tell the operator.") from error
    return reply(models.Share(file_id=found.file_id, share=b64u(opened)))


async def _offer(request: web.Request) -> listings.Offer:
    file_id = parse_file_id(request.match_info["file_id"])
    return await parts_of(request).store.read(lambda conn: listings.get(conn, file_id))
