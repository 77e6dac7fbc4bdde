"""Following one purchase: the gateway's events, and polling where events do not come through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import aiohttp

from bitcache.errors import TooManyInvoices
from gateway.api.models import Purchase
from gateway.client.errors import GatewayConfused, GatewayUnreachable
from gateway.client.gateway_client import GatewayClient, parse, refuse_encoding

POLL_SECONDS = 3.0
#: The gateway says something every 15 s; behind a proxy that holds events back, this is how long polling waits.
_SILENCE = aiohttp.ClientTimeout(total=None, sock_connect=20, sock_read=20)


async def follow(gateway: GatewayClient, purchase_id: str) -> AsyncGenerator[Purchase, None]:
    """Yield the purchase at once and as it changes, for ever; an unreachable gateway is waited for.

    Server-sent events, of which only ``data:`` lines matter here: each holds a whole purchase.
    """
    path, accept = f"/purchases/{purchase_id}", {"Accept": "text/event-stream"}
    while True:
        try:
            async with gateway.open("GET", f"{path}/events", headers=accept, timeout=_SILENCE) as response:
                refuse_encoding(response)
                async for line in response.content:
                    if line.startswith(b"data:"):
                        yield parse(Purchase, line[5:])
        except (GatewayUnreachable, GatewayConfused, TooManyInvoices):
            polled = await _poll(gateway, path)
            if polled is not None:
                yield polled
        await asyncio.sleep(POLL_SECONDS)


async def _poll(gateway: GatewayClient, path: str) -> Purchase | None:
    try:
        return await gateway.call(Purchase, "GET", path)
    except GatewayUnreachable:
        return None
