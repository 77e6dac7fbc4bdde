"""A load client that costs as little as Python allows, in a process of its own: what is measured is the server.

A closed loop: every connection sends its next request as soon as it has the answer to the one before.
"""

from __future__ import annotations

import re
import select
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context

LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
TIMEOUT = 120.0


@dataclass(frozen=True, slots=True)
class Load:
    """``requests`` are sent once each, in order, over so many connections; the first of each is not counted."""

    port: int
    requests: Sequence[bytes]
    connections: int = 64
    expect: int = 200


@dataclass(frozen=True, slots=True)
class Answers:
    """How it went; ``latencies`` in seconds, rising."""

    seconds: float
    latencies: list[float]

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.latencies) / self.seconds

    def quantile(self, part: float) -> float:
        """The latency that ``part`` of the requests stayed under, in milliseconds."""
        return 1000 * self.latencies[min(len(self.latencies) - 1, int(part * len(self.latencies)))]


def request(method: str, path: str, body: str = "", **headers: str) -> bytes:
    """One request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", body]).encode()


def drive(load: Load) -> Answers:
    """Send the load from another process."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(send, (load,))


def send(load: Load) -> Answers:
    """Send the load from this process."""
    waiting = iter(load.requests)
    poll, open_sockets = select.epoll(), {}
    for _ in range(load.connections):
        connection = socket.create_connection(("127.0.0.1", load.port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        poll.register(connection.fileno(), select.EPOLLIN)
        open_sockets[connection.fileno()] = connection
    try:
        return _exchange(poll, open_sockets, waiting, load)
    finally:
        poll.close()
        for connection in open_sockets.values():
            connection.close()


def ask(port: int, text: bytes) -> bytes:
    """One request's answer, without its head."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(text)
        return _whole_answer(connection, b"HTTP/1.1 2").partition(b"\r\n\r\n")[2]


def _exchange(poll: select.epoll, sockets: dict[int, socket.socket], waiting: Iterator[bytes], load: Load) -> Answers:
    began: dict[int, float] = {}
    latencies: list[float] = []
    status = b"HTTP/1.1 %d" % load.expect
    for connection in sockets.values():
        connection.sendall(next(waiting))
    for connection in sockets.values():
        _whole_answer(connection, status)
    started = time.perf_counter()
    for number, connection in sockets.items():
        _send_next(connection, waiting, began, number)
    while began:
        ready = poll.poll(TIMEOUT)
        assert ready, "the server stopped answering"
        for number, _ in ready:
            _whole_answer(sockets[number], status)
            latencies.append(time.perf_counter() - began.pop(number))
            _send_next(sockets[number], waiting, began, number)
    return Answers(time.perf_counter() - started, sorted(latencies))


def _send_next(connection: socket.socket, waiting: Iterator[bytes], began: dict[int, float], number: int) -> None:
    if (text := next(waiting, None)) is not None:
        began[number] = time.perf_counter()
        connection.sendall(text)


def _whole_answer(connection: socket.socket, status: bytes) -> bytes:
    answer = connection.recv(65536)
    while (head := answer.find(b"\r\n\r\n")) < 0:
        answer += connection.recv(65536)
    assert answer.startswith(status), answer
    match = LENGTH.search(answer, 0, head + 2)
    assert match, answer
    while len(answer) < head + 4 + int(match[1]):
        answer += connection.recv(65536)
    return answer
