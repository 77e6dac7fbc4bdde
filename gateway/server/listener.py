"""The listening socket: takes connections in while there is room for them, and closes those that only hold their place.

asyncio's own server takes every connection and writes a traceback for each that the system has no descriptor for, so
one visitor could fill the process and the log.  Here room is looked for first (:mod:`gateway.visitor_limits`),
what is refused is counted and logged in sums, and what the kernel keeps for a reader who does not read is bounded.
"""

from __future__ import annotations

import asyncio
import ipaddress
import resource
import socket
from collections.abc import Sequence
from functools import partial
from typing import cast

import structlog
from aiohttp import web

from gateway.server.malformed_requests import Connection, Limits
from gateway.visitor_limits import VisitorLimits

BACKLOG = 512
ACCEPTED_AT_ONCE = 64
#: How long no connection is taken in after the system had no descriptor left.
PAUSE_SECONDS = 1.0
SWEEP_SECONDS = 5.0
LOG_SECONDS = 60.0
#: Descriptors for the database, files, the node, and whatever else is not a connection.
OTHER_FILES = 256
#: Bytes that the kernel holds of an answer before its reader takes any (Linux; what is on its way is not counted).
UNSENT = 128 * 1024

_BUSY = (
    b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/plain\r\nContent-Length: 50\r\nRetry-After: 5\r\n"
    b"Connection: close\r\n\r\nToo many connections from your network are open.\r\n"
)

log = structlog.get_logger("gateway.server.listener")


class Listener(web.BaseSite):
    """Serves a runner's application at ``host`` and ``port`` (0: any that is free)."""

    def __init__(
        self,
        runner: web.AppRunner,
        host: str,
        port: int,
        visitors: VisitorLimits,
        limits: Limits,
        trusted: Sequence[str],
    ) -> None:
        super().__init__(runner, backlog=BACKLOG)
        self._host, self._port = host, port
        self._visitors, self._limits = visitors, limits
        self._trusted = [ipaddress.ip_network(text) for text in trusted]
        self._sockets: list[socket.socket] = []
        self._connections: set[Connection] = set()
        self._openings: set[asyncio.Task[None]] = set()
        self._refused, self._cut_off = 0, 0
        self._told_at = float("-inf")
        self._loop = asyncio.get_running_loop()

    @property
    def name(self) -> str:
        """Where it listens."""
        return f"http://{self._host}:{self._port}"

    @property
    def sockets(self) -> Sequence[socket.socket]:
        """What it listens on."""
        return self._sockets

    async def start(self) -> None:
        """Listen; raise OSError when that cannot be."""
        addresses = await self._loop.getaddrinfo(
            self._host or None, self._port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, _, _, _, address in dict.fromkeys(addresses):
            self._sockets.append(_listening(family, address))
        await super().start()
        self._server = cast(asyncio.AbstractServer, self)  # aiohttp asks it for ``sockets`` and ``close``
        for sock in self._sockets:
            self._resume(sock)
        self._sweeper = self._loop.create_task(self._sweep())

    def close(self) -> None:
        """Take no more in."""
        self._sweeper.cancel()
        self._tell()
        for sock in self._sockets:
            self._loop.remove_reader(sock)
            sock.close()
        self._sockets = []

    def _resume(self, sock: socket.socket) -> None:
        if sock.fileno() >= 0:
            self._loop.add_reader(sock, self._accept, sock)

    def _accept(self, sock: socket.socket) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                connection, peer = sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._loop.remove_reader(sock)
                self._loop.call_later(PAUSE_SECONDS, self._resume, sock)
                self._refused += 1
                self._tell_now_and_then(reason=error.strerror)
                return
            self._take(connection, str(peer[0]))

    def _take(self, sock: socket.socket, address: str) -> None:
        """Serve it, or close it at once."""
        sock.setblocking(False)
        counted = "" if self._is_proxy(address) else address  # behind a proxy there are many people
        if not self._visitors.enter(counted):
            self._refused += 1
            self._tell_now_and_then(reason="their networks hold as many connections as they may, or all are taken")
            _refuse(sock)
            return
        task = self._loop.create_task(self._open(sock, partial(self._visitors.leave, counted)))
        self._openings.add(task)
        task.add_done_callback(self._openings.discard)

    async def _open(self, sock: socket.socket, leave: partial[None]) -> None:
        server = self._runner.server
        if server is None:  # the runner ended meanwhile
            sock.close()
            leave()
            return
        connection = server()
        assert isinstance(connection, Connection)
        connection.on_lost = partial(self._lost, connection, leave)
        self._connections.add(connection)
        try:
            await self._loop.connect_accepted_socket(lambda: connection, sock)
        except OSError:  # it went away at once
            sock.close()
            self._lost(connection, leave)

    def _lost(self, connection: Connection, leave: partial[None]) -> None:
        if connection in self._connections:
            self._connections.discard(connection)
            leave()

    async def _sweep(self) -> None:
        """Close what only holds its place."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now, crowded = self._loop.time(), self._visitors.crowded
            for number, connection in enumerate(list(self._connections)):
                if connection.holds_its_place(now, self._limits, crowded=crowded):
                    connection.cut_off()
                    self._cut_off += 1
                if number % 500 == 499:
                    await asyncio.sleep(0)
            self._tell_now_and_then(reason="they sent or took nothing for too long")

    def _tell_now_and_then(self, reason: str | None) -> None:
        if self._loop.time() - self._told_at >= LOG_SECONDS:
            self._tell(reason)

    def _tell(self, reason: str | None = None) -> None:
        if self._refused or self._cut_off:
            log.warning("connections_closed", refused=self._refused, cut_off=self._cut_off, reason=reason)
            self._refused = self._cut_off = 0
            self._told_at = self._loop.time()

    def _is_proxy(self, address: str) -> bool:
        if not self._trusted:
            return False
        ip = ipaddress.ip_address(address.partition("%")[0])
        ip = getattr(ip, "ipv4_mapped", None) or ip
        return any(ip in network for network in self._trusted)


def connections_allowed(wanted: int) -> int:
    """``wanted``, or fewer where this process may not open so many files.  Raises the process's own limit first."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    allowed = min(wanted, max(most - OTHER_FILES, most // 2))
    if allowed < wanted:
        hint = "In a systemd unit: LimitNOFILE=65536; in a shell: ulimit -n 65536"
        log.warning("fewer_connections", wanted=wanted, allowed=allowed, open_files=most, hint=hint)
    return allowed


def _listening(family: int, address: tuple[object, ...]) -> socket.socket:
    """Return a socket whose connections inherit how much the kernel keeps for each of them."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)
        sock.bind(address)
        sock.listen(BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


def _refuse(sock: socket.socket) -> None:
    try:
        sock.send(_BUSY)
    except OSError:
        pass
    finally:
        sock.close()
