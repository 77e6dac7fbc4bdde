"""Connections of which not a byte is logged or sent back before it was understood.

What is no HTTP never becomes a request: no middleware sees it, and aiohttp itself would log the line that it could
not read and repeat it in its answer.  A link pasted with a space for its ``#`` is such a line, and holds the share.
"""

from __future__ import annotations

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from gateway.api import errors

log = structlog.get_logger("gateway.connections")


class Runner(web.AppRunner):
    """Runs an application over such connections."""

    __slots__ = ()

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(made.request_handler, request_factory=made.request_factory, **made._kwargs)


class _Server(web.Server):
    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Connection(web.RequestHandler):
    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what the parser, or nobody else, could handle; the connection is closed after it."""
        if request.writer.output_size > 0:
            raise ConnectionError("half an answer was sent")
        if status < 500 or isinstance(exc, HttpProcessingError):
            log.info("malformed_request", kind=type(exc).__name__)
            answer = errors.problem(status, "bad_request", "this is not HTTP as this server reads it")
        else:
            answer = errors.from_surprise(exc or RuntimeError("aiohttp gave no reason"))
        answer.headers["Server"] = "bitcache"
        answer.force_close()
        return answer
