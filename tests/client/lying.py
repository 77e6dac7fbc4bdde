"""A demonstration behind a proxy that changes answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession, web
from support.loopback import on_loopback

from gateway.client.gateway_client import GatewayClient, connect
from gateway.demo.demonstration import Demo

Lie = Callable[[str, bytes], bytes]
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def lying(demo: Demo, lie: Lie, *, events: bool = False) -> AsyncIterator[GatewayClient]:
    """The demonstration behind a proxy that changes answers; without ``events`` it does not stream, and is polled."""

    async def relay(request: web.Request) -> web.StreamResponse:
        kept = {name: request.headers[name] for name in ("Authorization", "Range") if name in request.headers}
        path = request.path.removesuffix("/events")
        streams = path != request.path
        if streams and not events:
            return web.Response(status=503)
        async with session.request(
            request.method,
            demo.gateway.base + path,
            data=await request.read(),
            headers=kept | {"Content-Type": "application/json"},
        ) as answer:
            headers = {name: answer.headers[name] for name in ("Content-Range",) if name in answer.headers}
            content = lie(request.path, await answer.read())
            if streams:
                return web.Response(body=b"data: " + content + b"\n\n", content_type="text/event-stream")
            return web.Response(status=answer.status, body=content, headers=headers, content_type=answer.content_type)

    async with ClientSession() as session, answering(relay) as client:
        yield client


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[GatewayClient]:
    """A gateway that answers so to everything."""
    async with (
        on_loopback([web.route("*", "/{path:.*}", answer)]) as host,
        connect(f"http://{host}") as client,
    ):
        yield client


def changed(end: str, **members: Any) -> Lie:
    """Replace members of the JSON answer to a path that ends so."""

    def lie(path: str, body: bytes) -> bytes:
        return json.dumps(json.loads(body) | members).encode() if path.endswith(end) else body

    return lie
