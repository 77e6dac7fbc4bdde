"""Plain sockets of strangers, who send and read as they like; each from an address of the loopback network."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path


async def connected(port: int, address: str, *, receive: int | None = None) -> socket.socket:
    """A connection to ``port`` from ``address``, with a receive buffer of ``receive`` bytes."""
    sock = socket.socket()
    sock.setblocking(False)
    if receive is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    sock.bind((address, 0))
    async with asyncio.timeout(10):
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    return sock


async def send(sock: socket.socket, text: str) -> None:
    """All of it, if the other side takes it."""
    try:
        await asyncio.get_running_loop().sock_sendall(sock, text.encode())
    except ConnectionError:
        return


async def read(sock: socket.socket, count: int = 65_536) -> bytes:
    """Some bytes; none at the end, or when the connection was cut off."""
    try:
        async with asyncio.timeout(20):
            return await asyncio.get_running_loop().sock_recv(sock, count)
    except ConnectionError:
        return b""


def is_open(sock: socket.socket) -> bool:
    """Whether the other side holds the connection, and has not said anything."""
    try:
        sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def unread_bytes(port: int) -> list[int]:
    """What the kernel holds for each connection accepted on ``port`` whose peer does not read."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    queues = [int(row[4].split(":")[0], 16) for row in rows if row[1].endswith(f":{port:04X}")]
    return [queue for queue in queues if queue]
