"""The demo wallet of a demonstration: it pays an invoice, and a block is found a few seconds later."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import structlog
from aiohttp import web

from bitcache.chain_errors import ChainError
from bitcache.errors import BadInput, NotFound
from bitcache.identifiers import parse_purchase_id
from bitcache.money import Sat
from gateway.api.models import DemoPaid, DemoPayment, Purchase
from gateway.api.purchase_views import purchase_by_id
from gateway.api.request_bodies import json_body, reply
from gateway.client.invoice_terms import lightning_request, onchain_request
from gateway.client.lightning_request import LIGHTNING
from gateway.context import CONTEXT, GatewayContext, context_of

#: Long enough to watch "payment seen" turn into "confirmed".
BLOCK_AFTER_SECONDS = 4.0

log = structlog.get_logger("gateway.demo.demonstration")

_PAID: web.AppKey[asyncio.Event] = web.AppKey("demo paid")


def routes() -> list[web.RouteDef]:
    """Return the routes of this module; mounted in demonstrations alone."""
    return [web.post("/api/v1/demo/pay", pay)]


async def mining(app: web.Application) -> AsyncIterator[None]:
    """Find a block some seconds after each payment, while the gateway runs."""
    app[_PAID] = asyncio.Event()
    task = asyncio.create_task(_mine(app[CONTEXT], app[_PAID]))
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def pay(request: web.Request) -> web.Response:
    """Pay what the invoice's URI asks for, or ``amount_sat``."""
    context = context_of(request)
    asked = await json_body(request, DemoPayment)
    purchase = await purchase_by_id(context, parse_purchase_id(asked.purchase_id))
    if asked.rail == LIGHTNING:
        return reply(DemoPaid(txid=await _pay_by_lightning(context, purchase)), status=202)
    to_pay = onchain_request(purchase)
    if to_pay is None:
        raise NotFound("this purchase has no address to pay to")
    amount = asked.amount_sat if asked.amount_sat is not None else to_pay.payable_sat
    if context.demo_wallet is None:
        raise NotFound("this gateway has no demo wallet")
    if amount == 0:
        raise BadInput("nothing is due", hint="Give amount_sat to pay more than is asked.")
    txid = await context.demo_wallet.pay(to_pay.address, Sat(amount))
    request.app[_PAID].set()
    return reply(DemoPaid(txid=txid), status=202)


async def _pay_by_lightning(context: GatewayContext, purchase: Purchase) -> str:
    """Pay the purchase's newest Lightning invoice; return the payment hash."""
    to_pay = lightning_request(purchase, context.clock())
    if to_pay is None:
        raise NotFound("this purchase has no Lightning invoice")
    return await context.connections.pay_in_demo(to_pay.invoice)


async def _mine(context: GatewayContext, paid: asyncio.Event) -> None:
    while context.demo_wallet is not None:
        await paid.wait()
        paid.clear()
        await asyncio.sleep(BLOCK_AFTER_SECONDS)
        try:
            await context.demo_wallet.mine()
        except ChainError as error:
            log.warning("no_block", code=error.code)
