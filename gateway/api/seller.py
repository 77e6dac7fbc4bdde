"""The seller's calls: where to be paid, what is on sale, what it earned."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

from aiohttp import web
from sqlalchemy import Connection

from bitcache import (
    accounts,
    change_listings,
    listing_states,
    listings,
    payout_changes,
    seller_quotas,
    sellers,
    wallet_connections,
)
from bitcache.access_tokens import Scope
from bitcache.identifiers import parse_file_id, unb64u
from bitcache.listing_limits import Limits
from bitcache.listing_states import ListingState
from bitcache.money import DUST
from bitcache.payment_rail import PayoutTerms
from bitcache.payout_changes import PayoutChange
from bitcache.sales_totals import Sales
from bitcache.seller_quotas import SellerQuota
from gateway.api import authentication, listing_models, models, wallet_connection
from gateway.api.money_proof import is_proof_needed, may_move_money
from gateway.api.paging import page_of
from gateway.api.request_bodies import json_body, reply
from gateway.context import GatewayContext, context_of

FIRST_ADDRESSES = 3
#: A wallet's export of 16 KiB, escaped.
PAYOUT_BODY = 40 * 1024
#: A manifest and metadata, escaped.
CHANGE_BODY = 64 * 1024


def routes() -> list[web.RouteDef]:
    """Return the routes of this module."""
    return [
        web.get("/api/v1/seller", info, allow_head=False),
        web.post("/api/v1/seller/payout/check", check_payout),
        web.put("/api/v1/seller/payout", set_payout),
        web.delete("/api/v1/seller/payout/change", cancel_change),
        web.post("/api/v1/listings", publish),
        web.get("/api/v1/listings", listed, allow_head=False),
        web.put("/api/v1/listings/{file_id}", change),
        web.patch("/api/v1/listings/{file_id}", patch),
        web.delete("/api/v1/listings/{file_id}", delete),
    ]


async def info(request: web.Request) -> web.Response:
    """Send what the seller's page shows first."""
    context = context_of(request)
    access = await authentication.access(request, Scope.READ)
    seller = access.seller
    account_id, payout, connection, minimum, change, delay, proof_needed, used = await context.store.read(
        lambda conn: (
            accounts.account_id(conn, seller.id),
            sellers.payout_of(conn, seller.id),
            wallet_connections.connection_of(conn, seller.id),
            sellers.minimum_of(conn, seller.id),
            payout_changes.waiting(conn, seller.id),
            payout_changes.delay_of(conn, seller.id),
            is_proof_needed(conn, access),
            seller_quotas.used(conn, seller.id),
        )
    )
    derives = payout is not None and payout.rail == context.rails.deriving.name
    model = models.SellerInfo(
        name=seller.name,
        account=account_id,
        network=context.rails.network,
        payout=_payout(context, payout) if payout and derives else None,
        connection=wallet_connection.model_of(context, connection) if connection else None,
        payout_change=change_model(change),
        payout_delay=delay,
        proof_needed=proof_needed,
        max_file_bytes=context.settings.storage.max_file_bytes,
        deleted_days=context.settings.storage.deleted_days,
        quota=_quota(used, context.seller_quota),
        min_price_sat=min(DUST.values()) if minimum is None else minimum,
        demo=context.demo,
        simulated=context.simulated,
    )
    return reply(model)


async def check_payout(request: web.Request) -> web.Response:
    """Read the descriptor with both libraries and show its addresses; nothing is changed."""
    context = context_of(request)
    seller = await authentication.seller(request)
    terms = await _terms(await json_body(request, models.PayoutRequest, PAYOUT_BODY), context)
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
    """Read the descriptor with both libraries, then be paid there: at once, or (202) after the seller's delay."""
    context = context_of(request)
    access = await authentication.access(request, Scope.ACCOUNT)
    asked = await json_body(request, models.PayoutRequest, PAYOUT_BODY)
    terms = await _terms(asked, context)
    now, seller_id = context.clock(), access.seller.id

    def change(conn: Connection) -> tuple[sellers.Payout, PayoutChange | None]:
        may_move_money(conn, access, asked.proof)
        account = sellers.keep_account(conn, context.rails.deriving.name, terms, now)
        return account, payout_changes.request(conn, seller_id, now, payout_id=account.id)

    payout, waits = await context.store.write(change)
    return reply(_payout(context, payout), status=200 if waits is None else 202)


async def cancel_change(request: web.Request) -> web.Response:
    """Be paid where one was: a change that waits is cancelled, by any session."""
    seller = await authentication.seller(request, Scope.ACCOUNT)
    context = context_of(request)
    await context.store.write(lambda conn: payout_changes.cancel(conn, seller.id, context.clock()))
    return web.Response(status=204)


def _quota(used: SellerQuota, most: SellerQuota) -> models.SellerQuota:
    return models.SellerQuota(
        bytes_used=used.bytes,
        bytes_most=most.bytes,
        listings_used=used.listings + used.uploads,
        listings_most=most.listings,
    )


def change_model(change: PayoutChange | None) -> models.PayoutChange | None:
    """Return a change that waits, as its seller sees it."""
    if change is None:
        return None
    named: dict[Literal["payout", "connection", "delay"], int | None] = {
        "payout": change.payout_id,
        "connection": change.connection_id,
        "delay": change.delay,
    }
    return models.PayoutChange(
        of=[what for what, value in named.items() if value is not None],
        created_at=change.created_at,
        effective_at=change.effective_at,
    )


async def _terms(asked: models.PayoutRequest, context: GatewayContext) -> PayoutTerms:
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
        limits=Limits(asked.sell_until, asked.most_sales),
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
    return reply(models.Listing(**_listing(made, context.clock())), status=201)


async def change(request: web.Request) -> web.Response:
    """Sell a file at another price, or under another description, from now on."""
    context = context_of(request)
    seller = await authentication.seller(request)
    file_id = parse_file_id(request.match_info["file_id"])
    asked = await json_body(request, listing_models.ListingChange, CHANGE_BODY)
    wanted = change_listings.ListingChange(
        asked.manifest, unb64u(asked.signature, what="signature"), unb64u(asked.meta, what="metadata")
    )
    highest = context.settings.highest_price_sat
    changed = await context.store.write(
        lambda conn: change_listings.change(
            conn, seller.id, file_id, wanted, context.clock(), highest_price_sat=highest
        )
    )
    return reply(models.Listing(**_listing(changed, context.clock())))


async def patch(request: web.Request) -> web.Response:
    """Sell a file, or stop: for a while, for good, or at the limits that its seller sets."""
    context = context_of(request)
    seller = await authentication.seller(request)
    file_id = parse_file_id(request.match_info["file_id"])
    asked, now = await json_body(request, listing_models.PatchListing), context.clock()

    def change(conn: Connection) -> listings.Listing:
        listing_states.limit(conn, seller.id, file_id, asked.limits(), now)
        if asked.state is not None:
            listing_states.set_state(conn, seller.id, file_id, ListingState(asked.state), now)
        return listings.own(conn, seller.id, file_id)

    return reply(models.Listing(**_listing(await context.store.write(change), now)))


async def delete(request: web.Request) -> web.Response:
    """Withdraw a file, and remove it when its buyers have had their time."""
    context = context_of(request)
    seller = await authentication.seller(request)
    file_id = parse_file_id(request.match_info["file_id"])
    keep = context.settings.storage.deleted_seconds

    def change(conn: Connection) -> listings.Listing:
        listing_states.delete(conn, seller.id, file_id, context.clock(), keep)
        return listings.own(conn, seller.id, file_id)

    return reply(models.Listing(**_listing(await context.store.write(change), context.clock())))


async def listed(request: web.Request) -> web.Response:
    """Send one page of this seller's listings, newest first; ``next`` is the ``after`` of the following page."""
    context = context_of(request)
    seller = await authentication.seller(request, Scope.READ)
    most, after = page_of(request, parse_file_id)
    rows = await context.store.read(lambda conn: listings.of_seller(conn, seller.id, most=most + 1, after=after))
    page = [_with_sales(listing, sold, context.clock()) for listing, sold in rows[:most]]
    return reply(models.Listings(listings=page, next=page[-1].file_id if len(rows) > most else None))


def _with_sales(listing: listings.Listing, sales: Sales, now: int) -> models.ListingWithSales:
    earned = models.Sales(settled=sales.settled, pending=sales.pending, received_sat=sales.received_sat)
    return models.ListingWithSales(**_listing(listing, now), sales=earned)


def _listing(listing: listings.Listing, now: int) -> dict[str, Any]:
    return {
        "file_id": listing.file_id,
        "price_sat": listing.price,
        "sealed_size": listing.sealed_size,
        "created_at": listing.created_at,
        "path": f"/f/{listing.file_id}",
        "state": listing.stopped or ListingState.ON_SALE.value,
        "kept_until": listing.kept_until,
        "taken_down": listing.taken_down,
        "sell_until": listing.limits.sell_until,
        "most_sales": listing.limits.most_sales,
        "ended": listing.limits.why_ended(listing.paid, now),
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
