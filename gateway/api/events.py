"""Server-sent events: a transfer's state at once, and again whenever it changes."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from aiohttp import web

from bitcache.errors import BitcacheError
from bitcache.identifiers import TransferId, parse_transfer_id
from gateway.api.access import parts_of
from gateway.api.transfers import transfer_by_id
from gateway.compose import Parts

HEARTBEAT_SECONDS = 15.0

_HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def routes() -> list[web.RouteDef]:
    """The routes of this module."""
    return [web.get("/api/v1/transfers/{transfer_id}/events", stream, allow_head=False)]


async def stream(request: web.Request) -> web.StreamResponse:
    """The transfer as it changes, until the reader goes or the gateway stops; the reader reconnects by itself."""
    parts = parts_of(request)
    transfer_id = parse_transfer_id(request.match_info["transfer_id"])
    await transfer_by_id(parts, transfer_id)
    with parts.hub.listening(transfer_id) as changed:
        response = web.StreamResponse(headers=_HEADERS)
        await response.prepare(request)
        with suppress(ConnectionError, BitcacheError):
            await _tell(response, parts, transfer_id, changed)
    return response


async def _tell(response: web.StreamResponse, parts: Parts, transfer_id: TransferId, changed: asyncio.Event) -> None:
    told = ""
    while not parts.hub.closed.is_set():
        changed.clear()
        now = (await transfer_by_id(parts, transfer_id)).model_dump_json()
        # the comment keeps proxies from closing a silent stream, and finds readers that are gone
        await response.write(f"event: transfer\ndata: {now}\n\n".encode() if now != told else b": still here\n\n")
        told = now
        with suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), HEARTBEAT_SECONDS)
