"""Answers on their way: so many at once for each visitor, and none that lies in memory whole until it is read."""

from __future__ import annotations

from aiohttp import web

from gateway.api import authentication, event_stream
from gateway.context import context_of
from gateway.server.middlewares import Handler
from gateway.visitor_limits import VisitorLimits

#: Bytes of an answer that are handed on at once.
PIECE = 64 * 1024

VISITORS: web.AppKey[VisitorLimits] = web.AppKey("answers", VisitorLimits)


@web.middleware
async def bounded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count an answer until all of it was handed to the kernel.  Event streams have limits of their own."""
    if request.match_info.handler is event_stream.stream:
        return await handler(request)
    address = authentication.client_address(request, context_of(request).settings.server.trusted_proxies)
    with request.app[VISITORS].entered(address) as room:
        if not room:
            raise web.HTTPTooManyRequests(
                text="too many requests from your network are being answered", headers={"Retry-After": "2"}
            )
        answer = await handler(request)
        body = answer.body if isinstance(answer, web.Response) else None
        if isinstance(body, bytes | bytearray) and len(body) > PIECE and request.method != "HEAD":
            answer = await _in_pieces(request, answer, memoryview(body))
        return answer


async def _in_pieces(request: web.Request, whole: web.StreamResponse, body: memoryview) -> web.StreamResponse:
    """Send the same answer; a slow reader holds one piece of it."""
    answer = web.StreamResponse(status=whole.status, reason=whole.reason, headers=whole.headers)
    answer.content_length = len(body)
    await answer.prepare(request)
    for start in range(0, len(body), PIECE):
        await answer.write(body[start : start + PIECE])
    await answer.write_eof()
    return answer
