"""``sell`` and ``buy`` through proxies that compress what is JSON, and that take small bodies only."""

from __future__ import annotations

import gzip
import os
import zlib
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from aiohttp import web
from client.lying import answering
from support.proxies import Proxy, plain_caddy, plain_nginx

from bitcache.errors import BadInput
from bitcache.money import Sat
from gateway.api.models import Listings, SellerInfo
from gateway.client.errors import BodyRefused, GatewayConfused, GatewayUnreachable
from gateway.client.gateway_client import connect
from gateway.client.sell_file import FileToSell, sell
from gateway.demo.demonstration import Demo

GZIP = "gzip on; gzip_types application/json application/problem+json; gzip_min_length 1; gzip_proxied any;"


def behind(kind: str, folder: Path, demo: Demo) -> AbstractContextManager[Proxy]:
    """The proxy of that kind before the demonstration."""
    port = int(demo.gateway.base.rpartition(":")[2])
    if kind == "nginx":
        return plain_nginx(folder, port, f"{GZIP} client_max_body_size 16m;")
    return plain_caddy(folder, port, "encode gzip zstd {\nminimum_length 1\nmatch header Content-Type *json*\n}")


@pytest.mark.parametrize("kind", ["nginx", "caddy"])
async def test_a_proxy_that_compresses(kind: str, demo: Demo, tmp_path: Path) -> None:
    """It does so for whoever asks for it; we do not."""
    path = tmp_path / "song.flac"
    path.write_bytes(os.urandom(1000))
    with behind(kind, tmp_path, demo) as proxy:
        async with connect(proxy.url) as client:
            assert (await client.call(SellerInfo, "GET", "/seller", bearer=demo.token)).network == "regtest"
            assert (await sell(client, demo.token, demo.seed, FileToSell(path, Sat(2500), "Song"))).size == 1000


SAID = b'{"listings": [], "next": null}'


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate", "raw deflate", "GZIP", "identity"])
async def test_an_answer_that_is_encoded_all_the_same(coding: str) -> None:
    """Some proxies compress whatever is asked for."""
    raw = zlib.compressobj(wbits=-15)
    encoded = {"deflate": zlib.compress(SAID), "raw deflate": raw.compress(SAID) + raw.flush(), "identity": SAID}

    async def answer(request: web.Request) -> web.Response:
        assert request.headers.get("Accept-Encoding") == "identity"
        headers = {"Content-Encoding": coding.removeprefix("raw "), "Content-Type": "application/json"}
        return web.Response(body=encoded.get(coding) or gzip.compress(SAID), headers=headers)

    async with answering(answer) as client:
        assert (await client.call(Listings, "GET", "/listings")).listings == []


async def test_an_encoded_problem_is_read_too() -> None:
    async def answer(_: web.Request) -> web.Response:
        body = gzip.compress(b'{"code": "bad_input", "detail": "not like this", "hint": "like that"}')
        return web.Response(status=400, body=body, headers={"Content-Encoding": "gzip"})

    async with answering(answer) as client:
        with pytest.raises(BadInput, match="not like this"):
            await client.call(Listings, "GET", "/listings")


@pytest.mark.parametrize("body", ["bomb", "torn", "noise", "br"])
async def test_an_encoded_answer_that_cannot_be_meant(body: str) -> None:
    """A bomb of 100 MB in 100 kB is not unpacked beyond the limit; what breaks off or is no gzip is not believed."""
    sent = {
        "bomb": gzip.compress(b" " * 100_000_000),
        "torn": gzip.compress(SAID)[:-9],
        "noise": os.urandom(100),
        "br": SAID,
    }[body]

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=sent, headers={"Content-Encoding": "br" if body == "br" else "gzip"})

    async with answering(answer) as client:
        with pytest.raises(GatewayConfused):
            await client.call(Listings, "GET", "/listings")


@pytest.mark.parametrize("kind", ["nginx", "caddy"])
async def test_small_bodies_only(kind: str, demo: Demo, tmp_path: Path) -> None:
    """nginx takes 1 MB unless told otherwise: the pieces become smaller by themselves, and the seller is told why."""
    path = tmp_path / "song.flac"
    path.write_bytes(os.urandom(3_000_000))
    port, said = int(demo.gateway.base.rpartition(":")[2]), []
    proxies = {"nginx": plain_nginx, "caddy": plain_caddy}
    limit = "" if kind == "nginx" else "request_body {\n\t\tmax_size 1MB\n\t}"
    with proxies[kind](tmp_path, port, limit) as proxy:
        async with connect(proxy.url) as client:
            sold = await sell(client, demo.token, demo.seed, FileToSell(path, Sat(2500), "Song"), note=said.append)
    assert sold.size == 3_000_000
    if kind == "nginx":  # Caddy passes on what it takes and cuts the rest off: the upload goes on from there
        assert len(said) == 1
        assert "client_max_body_size" in said[0]


async def test_no_body_is_small_enough(demo: Demo, tmp_path: Path) -> None:
    """Then it is said what refuses, and what to change."""
    path = tmp_path / "song.flac"
    path.write_bytes(os.urandom(300_000))
    port = int(demo.gateway.base.rpartition(":")[2])
    with plain_nginx(tmp_path, port, "client_max_body_size 1k;") as proxy:
        async with connect(proxy.url) as client:
            with pytest.raises(BodyRefused) as refused:
                await sell(client, demo.token, demo.seed, FileToSell(path, Sat(2500), "Song"))
    assert "client_max_body_size" in refused.value.advice


async def test_a_proxy_that_answers_retry_later() -> None:
    """Its 429 is answered as a gateway that is busy: purchases wait and go on."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=429, text="<html>too many</html>")

    async with answering(answer) as client:
        with pytest.raises(GatewayUnreachable):
            await client.call(Listings, "GET", "/listings")
