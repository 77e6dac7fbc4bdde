"""Connections of which not a byte is logged or sent back before it was understood, and that must not stand still.

What is no HTTP never becomes a request: no middleware sees it, and aiohttp itself would log the line that it could
not read and repeat it in its answer.  A link pasted with a space for its ``#`` is such a line, and holds the share.
"""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import termios
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from gateway.api import error_responses

#: The slowest reader that is borne with, in bytes a second.
SLOWEST_READER = 1024
#: Where ``struct tcp_info`` of Linux holds ``tcpi_bytes_acked``, 64 bits.
_BYTES_ACKED = 120
_RESET = struct.pack("ii", 1, 0)

log = structlog.get_logger("gateway.server.malformed_requests")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a connection may hold its place, in seconds: without its first request, between two, without reading."""

    first_request: float
    idle_when_crowded: float
    reading: float


class Runner(web.AppRunner):
    """Runs an application over such connections."""

    __slots__ = ()

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(made.request_handler, request_factory=made.request_factory, **made._kwargs)


class _Server(web.Server):
    def __call__(self) -> web.RequestHandler:
        return Connection(self, loop=self._loop, **self._kwargs)


class Connection(web.RequestHandler):
    """One connection.  ``on_lost`` is called once, when it is closed to the last byte."""

    __slots__ = ("_acked", "_made_at", "_stream", "_unread_since", "on_lost")

    def __init__(self, manager: web.Server, **rest: object) -> None:
        super().__init__(manager, **rest)  # type: ignore[arg-type]
        self.on_lost: Callable[[], None] = lambda: None
        self._stream: asyncio.Transport | None = None
        self._made_at = self._unread_since = 0.0
        self._acked = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to keep time."""
        assert isinstance(transport, asyncio.Transport)
        self._stream, self._made_at = transport, self._loop.time()
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """End."""
        super().connection_lost(exc)
        self._stream = None
        self.on_lost()

    def holds_its_place(self, now: float, limits: Limits, *, crowded: bool) -> bool:
        """Return whether it has done nothing for too long; asked every few seconds."""
        if self._stream is None:
            return False
        if self._current_request is None and self._asks_nothing(now, limits, crowded=crowded):
            return True
        return self._takes_nothing(now, limits.reading)

    def cut_off(self) -> None:
        """End it, with whatever the kernel still holds for it.

        The socket is shut down, and whoever reads or writes on it closes it: aborting the transport would close a
        descriptor on which the kernel may be sending a file, and the next connection would get its number.
        """
        if self._stream is None:
            return
        sock = self._stream.get_extra_info("socket")
        with suppress(OSError):  # it ended by itself
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            sock.shutdown(socket.SHUT_RDWR)

    def _asks_nothing(self, now: float, limits: Limits, *, crowded: bool) -> bool:
        if not self._request_count:
            return now - self._made_at > (limits.idle_when_crowded if crowded else limits.first_request)
        idle_since = self._next_keepalive_close_time - self._keepalive_timeout
        return crowded and now - idle_since > limits.idle_when_crowded  # else aiohttp closes it in time

    def _takes_nothing(self, now: float, patience: float) -> bool:
        """Return whether something waits to be read all the time, and next to nothing is."""
        waiting, acked = self._outgoing()
        if not waiting:
            self._unread_since = 0.0
        elif not self._unread_since:
            self._unread_since, self._acked = now, acked
        elif now - self._unread_since >= patience:
            if acked - self._acked < SLOWEST_READER * (now - self._unread_since):
                return True
            self._unread_since, self._acked = now, acked
        return False

    def _outgoing(self) -> tuple[int, int]:
        """Return the bytes that wait for the reader, and those it has taken (0 where the system does not say)."""
        assert self._stream is not None
        sock = self._stream.get_extra_info("socket")
        try:
            [queued] = struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)))
            state = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_ACKED + 8)
            [acked] = struct.unpack_from("Q", state, _BYTES_ACKED)
        except (AttributeError, OSError, struct.error):
            return 0, 0
        return queued + self._stream.get_write_buffer_size(), acked

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the answer to what could not be handled; the connection is closed after it."""
        if request.writer.output_size > 0:
            raise ConnectionError("half an answer was sent")
        if status < 500 or isinstance(exc, HttpProcessingError):
            log.info("malformed_request", kind=type(exc).__name__)
            answer = error_responses.problem(status, "bad_request", "this is not HTTP as this server reads it")
        else:
            answer = error_responses.from_surprise(exc or RuntimeError("aiohttp gave no reason"))
        answer.headers["Server"] = "bitcache"
        answer.force_close()
        return answer
