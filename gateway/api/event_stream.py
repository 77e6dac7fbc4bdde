"""Server-sent events: a purchase's state at once, and again whenever it changes."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from aiohttp import web

from bitcache.errors import BitcacheError
from bitcache.identifiers import PurchaseId, parse_purchase_id
from gateway.api import authentication
from gateway.context import GatewayContext, context_of
from gateway.diagnostics import logs

HEARTBEAT_SECONDS = 15.0
#: Then it ends and its reader comes back, if there still is one: nobody holds a place for ever.
LONGEST_SECONDS = 1800.0

_HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def routes() -> list[web.RouteDef]:
    """Return the routes of this module."""
    return [web.get("/api/v1/purchases/{purchase_id}/events", stream, allow_head=False)]


async def stream(request: web.Request) -> web.StreamResponse:
    """Send the purchase as it changes, until the reader goes or the gateway stops; the reader reconnects by itself."""
    context = context_of(request)
    purchase_id = parse_purchase_id(request.match_info["purchase_id"])
    logs.bind(purchase_id=purchase_id)
    await context.statuses.of(purchase_id)  # 404 before anything is sent
    if context.hub.full:
        raise web.HTTPServiceUnavailable(text="too many pages are open", headers={"Retry-After": "30"})
    address = authentication.client_address(request, context.settings.server.trusted_proxies)
    with context.hub.listening(purchase_id, address) as changed:
        response = web.StreamResponse(headers=_HEADERS)
        await response.prepare(request)
        with suppress(ConnectionError, BitcacheError):
            await _tell(response, context, purchase_id, changed)
    return response


async def _tell(
    response: web.StreamResponse, context: GatewayContext, purchase_id: PurchaseId, changed: asyncio.Event
) -> None:
    told, loop = b"", asyncio.get_running_loop()
    ends = loop.time() + LONGEST_SECONDS
    while not context.hub.closed.is_set() and loop.time() < ends:
        changed.clear()
        now = await context.statuses.of(purchase_id)
        # the comment keeps proxies from closing a silent stream, and finds readers that are gone
        await response.write(b"event: purchase\ndata: %b\n\n" % now if now != told else b": still here\n\n")
        told = now
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                await changed.wait()
