"""One machine holds whatever it can get: connections, half requests, unread answers, streams. Others are served."""

from __future__ import annotations

import asyncio
import io
import resource
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
from aiohttp import ClientSession, TCPConnector
from gateway_harness import GatewayHarness, Open
from sales import content, file_for_sale
from support import sockets
from support.eventually import eventually
from test_secrets import log  # noqa: F401  # the fixture

from gateway.server import app, listener
from gateway.web import source_tarball

STRANGER, OTHER = "127.0.0.2", "127.0.9.9"
UNREAD = "GET /source.tar.gz HTTP/1.1\r\nHost: x\r\n\r\n"


def port_of(harness: GatewayHarness) -> int:
    return int(harness.url.rpartition(":")[2])


@contextmanager
def held() -> Iterator[list[socket.socket]]:
    """Sockets that are closed at the end."""
    kept: list[socket.socket] = []
    try:
        yield kept
    finally:
        for sock in kept:
            sock.close()


@asynccontextmanager
async def from_elsewhere(address: str = OTHER) -> AsyncIterator[ClientSession]:
    """Somebody at another address."""
    async with ClientSession(connector=TCPConnector(local_addr=(address, 0))) as http:
        yield http


async def test_connections_of_one_visitor(harness: GatewayHarness) -> None:
    """Of 300 from one address 128 are taken; the rest hear why and are closed, and others are served meanwhile."""
    with held() as kept:
        for _ in range(300):
            kept.append(await sockets.connected(port_of(harness), STRANGER))

        async def refused() -> bool:
            return sum(map(sockets.is_open, kept)) <= 128

        await eventually(refused)
        assert sum(map(sockets.is_open, kept)) == 128
        told = [await sockets.read(sock) for sock in kept if not sockets.is_open(sock)]
        assert any(answer.startswith(b"HTTP/1.1 429 ") for answer in told)
        async with from_elsewhere() as http, http.get(f"{harness.url}/static/icon.svg") as got:
            assert got.status == 200
    async with from_elsewhere(STRANGER) as http:

        async def again() -> bool:
            try:
                async with http.get(f"{harness.url}/static/icon.svg") as got:
                    return got.status == 200
            except OSError:
                return False

        await eventually(again)  # its places are free again


async def test_no_descriptor_is_left(harness: GatewayHarness, log: io.StringIO) -> None:  # noqa: F811
    """When the system has none, that is one line in the log, and the gateway goes on when there are some again."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with held() as kept:
        for _ in range(40):
            sock = socket.socket()
            sock.setblocking(False)
            sock.bind((STRANGER, 0))
            kept.append(sock)
        highest = max(sock.fileno() for sock in kept)
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 3, hard))
        try:
            for sock in kept:
                sock.connect_ex(("127.0.0.1", port_of(harness)))
            await asyncio.sleep(2.5)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert "Traceback" not in log.getvalue()
        assert len(log.getvalue()) < 3_000
        assert log.getvalue().count("connections_closed") == 1
        async with from_elsewhere() as http, http.get(f"{harness.url}/static/icon.svg") as got:
            assert got.status == 200


async def test_half_a_request_head(open_one: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sends it drop by drop is closed; who sends a whole one in time stays."""
    monkeypatch.setattr(app, "HEAD_SECONDS", 1.0)
    monkeypatch.setattr(listener, "SWEEP_SECONDS", 0.1)
    async with open_one() as harness:
        with held() as kept:
            slow = await sockets.connected(port_of(harness), STRANGER)
            good = await sockets.connected(port_of(harness), STRANGER)
            kept += [slow, good]
            await sockets.send(good, "GET /static/icon.svg HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await sockets.read(good)).startswith(b"HTTP/1.1 200 ")
            for character in "GET /static/icon.svg HTTP/1.1\r\nHost: x\r\nX: ":
                await sockets.send(slow, character)
                await asyncio.sleep(0.05)
            assert await sockets.read(slow) == b""
            assert sockets.is_open(good)


@pytest.mark.parametrize("what", ["the source", "a file on sale"])
async def test_unread_answers_are_small_and_cut_off(open_one: Open, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """The kernel keeps little of each, and none for long; nobody goes on sending to who is gone."""
    monkeypatch.setattr(listener, "SWEEP_SECONDS", 0.1)
    source_tarball.archive()  # made once, before anything is timed
    async with open_one(limits={"send_seconds": 2}) as harness:
        asked = UNREAD if what == "the source" else await _bought(harness)
        before = len(asyncio.all_tasks())
        with held() as kept:
            for _ in range(30):
                sock = await sockets.connected(port_of(harness), STRANGER, receive=4096)
                await sockets.send(sock, asked)
                kept.append(sock)

            async def all_wait() -> bool:
                return len(sockets.unread_bytes(port_of(harness))) == 30

            await eventually(all_wait)
            assert max(sockets.unread_bytes(port_of(harness))) < 300_000

            async def all_gone() -> bool:
                return not sockets.unread_bytes(port_of(harness)) and len(asyncio.all_tasks()) <= before

            await eventually(all_gone)
            async with from_elsewhere() as http:
                for _ in range(40):  # on descriptors that were used before
                    async with http.get(f"{harness.url}/static/icon.svg", headers={"Connection": "close"}) as got:
                        assert got.status == 200


async def _bought(harness: GatewayHarness) -> str:
    """The request for a file that somebody paid for."""
    sold = await harness.sell(file_for_sale(content(2_000_000)))
    claim, purchase = await harness.begin(sold.file_id)
    await harness.pay(purchase)
    return (
        f"GET /api/v1/files/{sold.file_id}/bytes HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {claim}\r\nConnection: close\r\n\r\n"
    )


async def test_a_slow_reader_is_borne_with(open_one: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """One who takes more than a kilobyte a second gets all of it."""
    monkeypatch.setattr(listener, "SWEEP_SECONDS", 0.1)
    whole = len(source_tarball.archive()[0])
    async with open_one(limits={"send_seconds": 1}) as harness:
        with held() as kept:
            sock = await sockets.connected(port_of(harness), STRANGER, receive=4096)
            kept.append(sock)
            await sockets.send(sock, UNREAD.replace("Host", "Connection: close\r\nHost"))
            got = 0
            for _ in range(40):
                got += len(await sockets.read(sock, 8192))
                await asyncio.sleep(0.1)
            while more := len(await sockets.read(sock, 1_000_000)):
                got += more
            assert got > whole


async def test_answers_of_one_visitor(open_one: Open) -> None:
    """What one visitor does not read is bounded in number as well, and others get theirs."""
    async with open_one(limits={"answers_per_visitor": 5}) as harness:
        with held() as kept:
            for _ in range(5):
                sock = await sockets.connected(port_of(harness), STRANGER, receive=4096)
                await sockets.send(sock, UNREAD)
                kept.append(sock)
            async with from_elsewhere(STRANGER) as http:

                async def refused() -> bool:
                    async with http.get(f"{harness.url}/api/v1/openapi.json") as got:
                        return got.status == 429 and got.headers["Retry-After"] == "2"

                await eventually(refused)
            async with from_elsewhere() as http, http.get(f"{harness.url}/api/v1/openapi.json") as got:
                assert got.status == 200


@pytest.mark.parametrize("trusted", [[], ["127.0.0.1"]])
async def test_event_streams_of_one_visitor(open_one: Open, trusted: list[str]) -> None:
    """However many purchases are watched; behind a proxy it is the address that the proxy names which counts."""
    async with open_one(limits={"streams_per_visitor": 3}, server={"trusted_proxies": trusted}) as harness:
        sold = await harness.sell(file_for_sale())
        purchases = [(await harness.begin(sold.file_id))[1]["purchase_id"] for _ in range(5)]
        with held() as kept:
            answers = []
            for purchase in purchases:
                sock = await sockets.connected(port_of(harness), "127.0.0.1" if trusted else STRANGER)
                kept.append(sock)
                named = "X-Forwarded-For: 203.0.113.7\r\n" if trusted else ""
                await sockets.send(sock, f"GET /api/v1/purchases/{purchase}/events HTTP/1.1\r\nHost: x\r\n{named}\r\n")
                answers.append((await sockets.read(sock))[:13])
            assert answers == [b"HTTP/1.1 200 "] * 3 + [b"HTTP/1.1 429 "] * 2
            async with harness.http.get(f"{harness.url}/api/v1/purchases/{purchases[4]}/events") as got:
                assert got.status == 200


async def test_trusted_proxies_hold_as_many_as_there_are(open_one: Open) -> None:
    """All visitors come through them."""
    limits = {"connections_per_visitor": 5, "connections": 100}
    async with open_one(limits=limits, server={"trusted_proxies": ["127.0.0.2/32"]}) as harness:
        with held() as kept:
            for _ in range(60):
                kept.append(await sockets.connected(port_of(harness), STRANGER))
            await asyncio.sleep(0.5)
            assert sum(map(sockets.is_open, kept)) == 60


def test_the_kernel_says_how_much_a_reader_took() -> None:
    """The place of that number in Linux' struct tcp_info, which Python does not name."""
    from gateway.server.malformed_requests import _BYTES_ACKED

    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as connection:
        other, _ = server.accept()
        with other:
            other.sendall(b"x" * 1234)
            assert len(connection.recv(2000)) == 1234
            state = other.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_ACKED + 8)
            assert struct.unpack_from("Q", state, _BYTES_ACKED)[0] in (1234, 1235)
