"""The seller's sales: one by one, and what each day brought."""

from __future__ import annotations

from aiohttp import web

from bitcache import sales
from bitcache.access_tokens import Scope
from bitcache.identifiers import parse_purchase_id
from gateway.api import authentication
from gateway.api import sales_models as models
from gateway.api.paging import number_in, page_of
from gateway.api.request_bodies import reply
from gateway.context import context_of

USUAL_DAYS, MOST_DAYS = 30, 400


def routes() -> list[web.RouteDef]:
    """Return the routes of this module."""
    path = "/api/v1/sales"
    return [web.get(path, listed, allow_head=False), web.get(path + "/days", by_day, allow_head=False)]


async def listed(request: web.Request) -> web.Response:
    """Send one page of this seller's sales, newest first; ``next`` is the ``after`` of the following page."""
    context = context_of(request)
    seller = await authentication.seller(request, Scope.READ)
    most, after = page_of(request, parse_purchase_id)
    rows = await context.store.read(lambda conn: sales.of_seller(conn, seller.id, most=most + 1, after=after))
    page = [_sale(sale) for sale in rows[:most]]
    return reply(models.SalesPage(sales=page, next=page[-1].purchase_id if len(rows) > most else None))


async def by_day(request: web.Request) -> web.Response:
    """Send what each of the last ``days`` days (UTC; today counts) brought, by rail."""
    context = context_of(request)
    seller = await authentication.seller(request, Scope.READ)
    days = number_in(request, "days", USUAL_DAYS, MOST_DAYS)
    today = context.clock() // sales.DAY * sales.DAY
    rows = await context.store.read(lambda conn: sales.by_day(conn, seller.id, today - (days - 1) * sales.DAY))
    return reply(
        models.SalesByDay(
            today=today,
            days=[
                models.DaySales(day=row.day, rail=row.rail, sales=row.sales, received_sat=row.received) for row in rows
            ],
        )
    )


def _sale(sale: sales.Sale) -> models.Sale:
    return models.Sale(
        purchase_id=sale.purchase_id,
        file_id=sale.file_id,
        state=sale.state,
        marks=list(sale.marks),
        price_sat=sale.price,
        received_sat=sale.received,
        first_seen_at=sale.first_seen_at,
        settled_at=sale.settled_at,
        refund_due=sale.refund_due,
        payments=[
            models.SalePayment(
                rail=paid.rail, reference=paid.reference, amount_sat=paid.amount, status=paid.status.value
            )
            for paid in sale.payments
        ],
    )
