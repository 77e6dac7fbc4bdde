"""The running gateway over HTTP: sealed bytes out, invoices made, states asked."""

from __future__ import annotations

import http.client
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.case import Case, rate
from bench.server import FILE_BYTES, Served, serving
from bitcache.identifiers import b64u, claim_hash, new_secret

INVOICES = 100
QUESTIONS = 300


@contextmanager
def cases() -> Iterator[list[Case]]:
    """One client on one connection, one gateway process."""
    with serving() as served:
        bytes_path = f"/api/v1/files/{served.file_id}/bytes"
        claim = {"Authorization": f"Bearer {served.claim}"}
        yield [
            Case(
                "send sealed bytes",
                "MB/s",
                rate(FILE_BYTES / 1e6, lambda: _download(served.port, bytes_path, claim)),
                "aiohttp copy loop",
                rate(FILE_BYTES / 1e6, lambda: _download(served.plain_port, "/plain", {})),
                "256 MiB over loopback; ours checks the claim and sends by sendfile",
            ),
            Case(
                "cost of sending",
                "ms CPU/GB",
                lambda: _server_time(served, lambda: _download(served.port, bytes_path, claim)),
                "aiohttp copy loop",
                lambda: _server_time(served, lambda: _download(served.plain_port, "/plain", {})),
                "processor time of the server's process alone, kernel included",
            ),
            Case("make invoices", "1/s", rate(INVOICES, lambda: _invoices(served)), note="durable, one after another"),
            Case("ask a purchase's state", "1/s", rate(QUESTIONS, lambda: _questions(served)), note="one connection"),
        ]


def _download(port: int, path: str, headers: dict[str, str]) -> None:
    """A client that costs as little as Python allows: one buffer, no parsing."""
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    buffer, received = bytearray(1 << 20), 0
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        while count := connection.recv_into(buffer):
            received += count
    assert received >= FILE_BYTES


def _server_time(served: Served, download: Callable[[], None], times: int = 4) -> float:
    """Milliseconds of the server's processor time for a gigabyte."""
    before = _processor_seconds(served.pid)
    for _ in range(times):
        download()
    return 1000 * (_processor_seconds(served.pid) - before) / (times * FILE_BYTES / 1e9)


def _processor_seconds(pid: int) -> float:
    """User and system time, from Linux's /proc."""
    numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")


def _invoices(served: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port)
    for _ in range(INVOICES):
        body = json.dumps({"claim_hash": b64u(claim_hash(new_secret()))})
        connection.request(
            "POST", f"/api/v1/files/{served.file_id}/purchases", body, {"Content-Type": "application/json"}
        )
        response = connection.getresponse()
        assert response.status == 201, response.read()
        response.read()
    connection.close()


def _questions(served: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port)
    for _ in range(QUESTIONS):
        connection.request("GET", f"/api/v1/purchases/{served.purchase_id}")
        response = connection.getresponse()
        assert response.status == 200
        response.read()
    connection.close()
