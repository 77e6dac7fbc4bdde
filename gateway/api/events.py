"""Server-sent events: a transfer's state at once, and again whenever it changes."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from aiohttp import web

from bitcache.errors import BitcacheError
from bitcache.identifiers import TransferId, parse_transfer_id
from gateway import logs
from gateway.api import guards
from gateway.api.access import parts_of
from gateway.compose import Parts

HEARTBEAT_SECONDS = 15.0
#: Then it ends and its reader comes back, if there still is one: nobody holds a place for ever.
LONGEST_SECONDS = 1800.0

_HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def routes() -> list[web.RouteDef]:
    """The routes of this module."""
    return [web.get("/api/v1/transfers/{transfer_id}/events", stream, allow_head=False)]


async def stream(request: web.Request) -> web.StreamResponse:
    """The transfer as it changes, until the reader goes or the gateway stops; the reader reconnects by itself."""
    parts = parts_of(request)
    transfer_id = parse_transfer_id(request.match_info["transfer_id"])
    logs.bind(transfer_id=transfer_id)
    await parts.statuses.of(transfer_id)  # 404 before anything is sent
    if parts.hub.full:
        raise web.HTTPServiceUnavailable(text="too many pages are open", headers={"Retry-After": "30"})
    address = guards.client_address(request, parts.settings.server.trusted_proxies)
    with parts.hub.listening(transfer_id, address) as changed:
        response = web.StreamResponse(headers=_HEADERS)
        await response.prepare(request)
        with suppress(ConnectionError, BitcacheError):
            await _tell(response, parts, transfer_id, changed)
    return response


async def _tell(response: web.StreamResponse, parts: Parts, transfer_id: TransferId, changed: asyncio.Event) -> None:
    told, loop = b"", asyncio.get_running_loop()
    ends = loop.time() + LONGEST_SECONDS
    while not parts.hub.closed.is_set() and loop.time() < ends:
        changed.clear()
        now = await parts.statuses.of(transfer_id)
        # the comment keeps proxies from closing a silent stream, and finds readers that are gone
        await response.write(b"event: transfer\ndata: %b\n\n" % now if now != told else b": still here\n\n")
        told = now
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                await changed.wait()
