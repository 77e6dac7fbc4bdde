"""The configurations in ``deploy/``, under a real nginx and a real Caddy before a real gateway."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from gateway_harness import GatewayHarness, Open
from sales import content, file_for_sale
from support.ports import free_port
from support.proxies import HOST, Proxy, deployed_caddy, deployed_nginx, nginx, trusting

from bitcache.identifiers import b64u, new_file_id, new_secret

Deploy = Callable[[Path, int], AbstractContextManager[Proxy]]
KINDS = pytest.mark.parametrize("deployed", [deployed_nginx, deployed_caddy], ids=["nginx", "caddy"])
STRANGER, OTHER = "127.0.0.2", "127.0.9.9"


def port_of(harness: GatewayHarness) -> int:
    return int(harness.url.rpartition(":")[2])


@asynccontextmanager
async def connected(
    port: int, address: str = OTHER, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection from ``address``, encrypted if ``tls``."""
    host = HOST if tls else None
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, local_addr=(address, 0), ssl=tls, server_hostname=host
    )
    try:
        yield reader, writer
    finally:
        writer.close()


async def ask(port: int, request: str, *, tls: bool = True, address: str = OTHER, seconds: float = 20) -> str:
    """The answer to a request, as text; "" when there is none within ``seconds``."""
    async with connected(port, address, trusting() if tls else None) as (reader, writer):
        writer.write(request.encode())
        try:
            async with asyncio.timeout(seconds):
                return (await reader.read()).decode(errors="replace")
        except (ConnectionError, TimeoutError):
            return ""


def get(path: str, *headers: str) -> str:
    lines = [f"GET {path} HTTP/1.1", f"Host: {HOST}", "Connection: close", *headers]
    return "\r\n".join(lines) + "\r\n\r\n"


async def mistakes(proxy: Proxy, file_id: str, share: str, claim: str) -> None:
    """What link scanners, mail programs and hurried people make of a link."""
    for link in (f"{share}.{claim}", share):
        for mark in ("%23", "%2523", "#", "/", "?", "%3F", ""):
            path = f"/f/{file_id}{mark}{link}"
            await ask(proxy.port, get(path, f"Referer: https://mail.example{path}", f"Cookie: claim={claim}"))
            if proxy.plain_port:
                await ask(proxy.plain_port, get(path, f"Referer: {path}"), tls=False)
    for path in (f"/{share}", f"/{claim}", f"/api/v1/{share}", f"/api/v1/files/{claim}/bytes", f"/f/{share}/pay"):
        await ask(proxy.port, get(path, f"Authorization: Bearer {claim}"))
    large = f"POST /f/{file_id}%23{share} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 99999999\r\n\r\n"
    await ask(proxy.port, large, seconds=1)
    await ask(proxy.port, f"GET /f/{file_id} {share}.{claim} HTTP/1.1\r\nHost: {HOST}\r\n\r\n")
    await ask(proxy.port, get(f"/f/{file_id}%23{share}" + "x" * 40_000))
    await ask(proxy.port, f"GET /f/{file_id}%23{share} HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n")


@KINDS
async def test_no_link_is_logged(open_one: Open, tmp_path: Path, deployed: Deploy) -> None:
    """Neither its share nor its claim: not by the access log, nor when the gateway is down, nor from where one came."""
    file_id, share, claim = new_file_id(), b64u(b"shareshareshare!"), new_secret()
    folder = tmp_path / "proxy"
    folder.mkdir()
    async with open_one(server={"trusted_proxies": ["127.0.0.1"]}) as harness:
        port = port_of(harness)
        with deployed(folder, port) as proxy:
            assert " 200 " in (await ask(proxy.port, get("/sell"))).splitlines()[0]
            await mistakes(proxy, file_id, share, claim)
            await asyncio.sleep(0)
    with deployed(folder, free_port()) as proxy:  # nobody listens there
        assert " 502 " in (await ask(proxy.port, get("/sell"))).splitlines()[0]
        await mistakes(proxy, file_id, share, claim)
    written = proxy.written()
    for secret in (share, claim, share[:12], claim[:12]):
        assert secret not in written
    if deployed is deployed_nginx:
        assert "GET /sell 200" in written
        assert "GET /f 404" in written
        assert "mail.example" not in written


@KINDS
async def test_browsers_get_http_2(harness: GatewayHarness, tmp_path: Path, deployed: Deploy) -> None:
    """So that a browser's tabs do not wait for each other's event streams."""
    with deployed(tmp_path, port_of(harness)) as proxy:
        tls = trusting()
        tls.set_alpn_protocols(["h2", "http/1.1"])
        async with connected(proxy.port, tls=tls) as (_, writer):
            assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"


@KINDS
async def test_streams_of_one_visitor(open_one: Open, tmp_path: Path, deployed: Deploy) -> None:
    """256 from one address: 32 are held, the rest are refused at once, and others are served meanwhile."""
    async with open_one(server={"trusted_proxies": ["127.0.0.1"]}) as harness:
        sold = await harness.sell(file_for_sale())
        purchases = [(await harness.begin(sold.file_id))[1]["purchase_id"] for _ in range(4)]
        with deployed(tmp_path, port_of(harness)) as proxy:
            held, answers, tls = [], [], trusting()
            for number in range(256):
                path = f"/api/v1/purchases/{purchases[number % 4]}/events"
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", proxy.port, local_addr=(STRANGER, 0), ssl=tls, server_hostname=HOST
                )
                held.append(writer)
                writer.write(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
                async with asyncio.timeout(20):
                    answers.append((await reader.readline()).split()[1])
            assert (answers.count(b"200"), answers.count(b"429")) == (32, 224)
            path = f"/api/v1/purchases/{purchases[0]}"
            assert " 200 " in (await ask(proxy.port, get("/sell"))).splitlines()[0]
            assert " 200 " in (await ask(proxy.port, get(path), address=STRANGER)).splitlines()[0]
            async with connected(proxy.port, OTHER, tls) as (reader, writer):
                writer.write(get(f"{path}/events").encode())
                async with asyncio.timeout(20):
                    assert b" 200 " in await reader.readline()
                    await reader.readuntil(b"event: purchase")
            for writer in held:
                writer.close()


class ThisMachine(AbstractResolver):
    """Every name is this machine's."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The loopback address."""
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        """Nothing is kept."""


@KINDS
async def test_an_upload_and_a_purchase(open_one: Open, tmp_path: Path, deployed: Deploy) -> None:
    """Pieces of 8 MiB pass, and sealed bytes come back as they were."""
    async with open_one(server={"trusted_proxies": ["127.0.0.1"]}) as harness:
        with deployed(tmp_path, port_of(harness)) as proxy:
            async with ClientSession(connector=TCPConnector(ssl=trusting(), resolver=ThisMachine())) as http:
                direct, harness.url, harness.http = harness.http, proxy.url, http
                sold = await harness.sell(file_for_sale(content(8 * 2**20)))
                claim, purchase = await harness.begin(sold.file_id)
                await harness.pay(purchase)
                got = await harness.call("GET", f"/files/{sold.file_id}/bytes", claim)
                harness.http = direct
            assert got.body == sold.sealed


async def test_nginx_counts_an_ipv6_network_as_one_visitor(tmp_path: Path) -> None:
    """The first 64 bits of its address; an IPv4 address whole."""
    text = (Path(__file__).parents[2] / "deploy" / "nginx.conf").read_text()
    start, stop = text.index("map $binary_remote_addr"), text.index("limit_conn_zone")
    port = free_port()
    http = (
        f"{text[start:stop]} server {{ listen 127.0.0.1:{port}; set_real_ip_from 127.0.0.1; real_ip_header X-From; "
        "default_type application/octet-stream; return 200 $bitcache_visitor; }"
    )
    keys = {}
    with nginx(tmp_path, http, port):
        for address in ("2001:db8:1:2::1", "2001:db8:1:2:ff::", "2001:db8:1:3::1", "2001:db8:1:0a0d::1", "192.0.2.10"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET / HTTP/1.0\r\nX-From: {address}\r\n\r\n".encode())
            keys[address] = (await reader.read()).partition(b"\r\n\r\n")[2]
            writer.close()
    assert keys["2001:db8:1:2::1"] == keys["2001:db8:1:2:ff::"] == bytes.fromhex("20010db800010002")
    assert keys["2001:db8:1:3::1"] == bytes.fromhex("20010db800010003")
    assert keys["2001:db8:1:0a0d::1"] == bytes.fromhex("20010db800010a0d")
    assert keys["192.0.2.10"] == bytes([192, 0, 2, 10])
