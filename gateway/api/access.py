"""How a handler reaches the parts of the running gateway."""

from __future__ import annotations

from aiohttp import web

from gateway.compose import GatewayContext

PARTS: web.AppKey[GatewayContext] = web.AppKey("parts", GatewayContext)


def context_of(request: web.Request) -> GatewayContext:
    """The parts that this request is served by."""
    return request.app[PARTS]
