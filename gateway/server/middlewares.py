"""What every request passes through: the access log, errors, cross-origin answers, and security headers."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from bitcache.errors import BitcacheError
from gateway.api import error_responses
from gateway.context import context_of
from gateway.diagnostics import logs
from gateway.web import pages

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

API = "/api/v1/"
#: What a buyer's client on another site may call, and scripts that it may load.
_ANY_ORIGIN = re.compile(
    r"/api/v1/(files/|purchases/|claim$|share$|openapi\.json$)|/static/|/widget/|/bitcache-pay\.js$", re.ASCII
)
#: Too short, segment by segment, to hold a secret.
_PLAIN_PATH = re.compile(r"(/[A-Za-z0-9._-]{0,19}){1,6}", re.ASCII)
_CHECKOUT = re.compile(r"/f/[A-Za-z0-9_-]{22}", re.ASCII)
_STARTED: web.RequestKey[bool] = web.RequestKey("started")

_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "worker-src 'self'; frame-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'"
)

_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Accept-Ranges, Content-Range, Location, Retry-After, Bitcache-Time",
}
_PREFLIGHT = {
    **_CORS,
    "Access-Control-Allow-Methods": "GET, HEAD, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Range, If-Range, If-None-Match",
    "Access-Control-Max-Age": "86400",
}

log = structlog.get_logger("gateway.access")


@web.middleware
async def access_log(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Log one line per request: method, route, status, milliseconds.  Never a query, nor an id that opens something."""
    logs.clear()
    began = time.monotonic()
    status = 0
    try:
        response = await handler(request)
        status = response.status
        return response
    finally:
        spent = round((time.monotonic() - began) * 1000)
        log.info("request", method=request.method, route=_route(request), status=status, ms=spent)


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn errors into problem details for programs and pages for people."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        answer = error_responses.from_http(error)
    except BitcacheError as error:
        answer = error_responses.from_error(error)
        if answer.status >= 500:
            log.warning("failed", code=error.code, reason=str(error), cause=type(error.__cause__).__name__)
    except (ConnectionError, web.RequestPayloadError):
        answer = error_responses.problem(400, "connection_lost", "the connection ended early")
    except Exception as error:  # a bug in one handler must not say anything to its caller
        answer = error_responses.from_surprise(error)
    if _STARTED in request and request.transport is not None:
        request.transport.abort()  # half an answer was sent: cut it off, rather than append another
    if request.path.startswith(API):
        return answer
    return pages.error(request, answer)


@web.middleware
async def cross_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer preflights for what any origin may call."""
    asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
    if asks and _ANY_ORIGIN.match(request.path):
        return web.Response(status=204, headers=_PREFLIGHT)
    return await handler(request)


async def security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Set the headers of every response, as it starts."""
    request[_STARTED] = True
    headers, path = response.headers, request.path
    headers["Server"] = "bitcache"
    framed = _CHECKOUT.fullmatch(path) and "embed" in request.query
    headers.setdefault("Content-Security-Policy", _CSP if framed else f"{_CSP}; frame-ancestors 'none'")
    if framed:  # the widget's frame: on any page, of the disk and of those that isolate themselves too
        headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin")
    if framed or path.startswith("/static/"):  # a worker must be as strict as its page
        headers.setdefault("Cross-Origin-Embedder-Policy", "require-corp")
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer")
    if response.content_type == "text/html":
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if path.startswith(API) or path == "/healthz":
        headers.setdefault("Cache-Control", "no-store")
    if response.status == 451:  # RFC 7725 §4
        headers["Link"] = f'<{context_of(request).settings.public_url}>; rel="blocked-by"'
    if path.startswith(API):  # invoices end by this clock, not by the reader's, nor by a proxy's Date
        headers["Bitcache-Time"] = str(context_of(request).clock())
    if _ANY_ORIGIN.match(path):
        headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin")
        for name, value in _CORS.items():
            headers.setdefault(name, value)


def _route(request: web.Request) -> str:
    """Return the route's template; a path that no route has only when nothing can hide in it."""
    resource = request.match_info.route.resource
    if resource is not None:
        return resource.canonical
    return request.path if _PLAIN_PATH.fullmatch(request.rel_url.raw_path) else "(hidden)"
