"""How a handler reaches the parts of the running gateway."""

from __future__ import annotations

from aiohttp import web

from gateway.compose import Parts

PARTS: web.AppKey[Parts] = web.AppKey("parts", Parts)


def parts_of(request: web.Request) -> Parts:
    """The parts that this request is served by."""
    return request.app[PARTS]
