"""The seller's calls: where to be paid, what is on sale, what it earned."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from bitcache import listings, sellers, wallet_connections
from bitcache.errors import BadInput
from bitcache.identifiers import FileId, parse_file_id, unb64u
from bitcache.money import DUST
from bitcache.payment_rail import PayoutTerms
from bitcache.sales_totals import Sales
from gateway.api import authentication, models, wallet_connection
from gateway.api.request_bodies import json_body, reply
from gateway.context import GatewayContext, context_of

FIRST_ADDRESSES = 3
#: A wallet's export of 16 KiB, escaped.
PAYOUT_BODY = 40 * 1024
#: Listings in an answer, unless the call says otherwise, and at the most.
PAGE, LARGEST_PAGE = 100, 200


def routes() -> list[web.RouteDef]:
    """Return the routes of this module."""
    return [
        web.get("/api/v1/seller", info, allow_head=False),
        web.post("/api/v1/seller/payout/check", check_payout),
        web.put("/api/v1/seller/payout", set_payout),
        web.post("/api/v1/listings", publish),
        web.get("/api/v1/listings", listed, allow_head=False),
    ]


async def info(request: web.Request) -> web.Response:
    """Send what the seller's page shows first."""
    context = context_of(request)
    seller = await authentication.seller(request)
    payout, connection, minimum = await context.store.read(
        lambda conn: (
            sellers.payout_of(conn, seller.id),
            wallet_connections.connection_of(conn, seller.id),
            sellers.minimum_of(conn, seller.id),
        )
    )
    derives = payout is not None and payout.rail == context.rails.deriving.name
    model = models.SellerInfo(
        name=seller.name,
        network=context.rails.network,
        payout=_payout(context, payout) if payout and derives else None,
        connection=wallet_connection.model_of(context, connection) if connection else None,
        max_file_bytes=context.settings.storage.max_file_bytes,
        min_price_sat=min(DUST.values()) if minimum is None else minimum,
        demo=context.demo,
        simulated=context.simulated,
    )
    return reply(model)


async def check_payout(request: web.Request) -> web.Response:
    """Read the descriptor with both libraries and show its addresses; nothing is changed."""
    context = context_of(request)
    seller = await authentication.seller(request)
    terms = await _read_payout(request, context)
    too_cheap = await context.store.read(lambda conn: sellers.listed_below(conn, seller.id, terms.minimum))
    model = models.PayoutCheck(
        script_type=terms.script_type,
        network=context.rails.network,
        addresses=list(terms.first),
        min_price_sat=terms.minimum,
        too_cheap=too_cheap,
    )
    return reply(model)


async def set_payout(request: web.Request) -> web.Response:
    """Read the descriptor with both libraries, then be paid there from now on."""
    context = context_of(request)
    seller = await authentication.seller(request)
    terms = await _read_payout(request, context)
    now = context.clock()
    payout = await context.store.write(
        lambda conn: sellers.set_payout(conn, seller.id, context.rails.deriving.name, terms, now)
    )
    return reply(_payout(context, payout))


async def _read_payout(request: web.Request, context: GatewayContext) -> PayoutTerms:
    asked = await json_body(request, models.PayoutRequest, PAYOUT_BODY)
    return await asyncio.to_thread(context.rails.deriving.check, asked.descriptor, asked.script_type)


async def publish(request: web.Request) -> web.Response:
    """Put an upload on sale, once everything about it was checked."""
    context = context_of(request)
    seller = await authentication.seller(request)
    asked = await json_body(request, models.ListingRequest, context.settings.limits.body_bytes)
    wanted = listings.ListingRequest(
        manifest=asked.manifest,
        signature=unb64u(asked.signature, what="signature"),
        groups=unb64u(asked.groups, what="list of group hashes"),
        meta=unb64u(asked.meta, what="metadata"),
        preview=unb64u(asked.preview, what="preview") if asked.preview is not None else None,
        share=unb64u(asked.share, what="share"),
    )
    made = await listings.publish(
        context.store,
        context.blobs,
        context.master_key,
        seller.id,
        wanted,
        context.clock(),
        highest_price_sat=context.settings.highest_price_sat,
    )
    return reply(models.Listing(**_listing(made)), status=201)


async def listed(request: web.Request) -> web.Response:
    """Send one page of this seller's listings, newest first; ``next`` is the ``after`` of the following page."""
    context = context_of(request)
    seller = await authentication.seller(request)
    most, after = _page(request)
    rows = await context.store.read(lambda conn: listings.of_seller(conn, seller.id, most=most + 1, after=after))
    page = [_with_sales(listing, sold) for listing, sold in rows[:most]]
    return reply(models.Listings(listings=page, next=page[-1].file_id if len(rows) > most else None))


def _page(request: web.Request) -> tuple[int, FileId | None]:
    """Read ``limit`` and ``after`` of the query; raise BadInput, InvalidIdentifier."""
    limit = request.query.get("limit", str(PAGE))
    if not limit.isascii() or not limit.isdecimal() or not 1 <= int(limit[:9]) <= LARGEST_PAGE:
        raise BadInput(f"limit: write a number from 1 to {LARGEST_PAGE}", member="limit")
    after = request.query.get("after")
    return int(limit), None if after is None else parse_file_id(after)


def _with_sales(listing: listings.Listing, sales: Sales) -> models.ListingWithSales:
    earned = models.Sales(settled=sales.settled, pending=sales.pending, received_sat=sales.received_sat)
    return models.ListingWithSales(**_listing(listing), sales=earned)


def _listing(listing: listings.Listing) -> dict[str, Any]:
    return {
        "file_id": listing.file_id,
        "price_sat": listing.price,
        "sealed_size": listing.sealed_size,
        "created_at": listing.created_at,
        "path": f"/f/{listing.file_id}",
    }


def _payout(context: GatewayContext, payout: sellers.Payout) -> models.Payout:
    addresses = [context.rails.deriving.destination(payout.account, index).text for index in range(FIRST_ADDRESSES)]
    return models.Payout(
        script_type=payout.script_type,
        network=context.rails.network,
        addresses=addresses,
        next_index=payout.next_index,
        gap_hint=payout.gap_hint,
        slowed=payout.unpaid_run >= context.policy.quotas.run,
        paused=payout.paused,
    )
