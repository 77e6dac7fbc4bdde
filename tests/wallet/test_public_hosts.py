"""Hosts that strangers name: none of them is this machine, or one beside it, however it is spelled."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from support.loopback import on_loopback

from wallet.lightning.public_hosts import connector, is_public


@pytest.mark.parametrize("address", ["8.8.8.8", "193.99.144.80", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_public(address: str) -> None:
    assert is_public(address)


NOT_PUBLIC = [
    "127.0.0.1",
    "127.255.1.2",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd12::1",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2001:0:1::1",
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.fixture
async def here() -> AsyncIterator[int]:
    """A server on this machine; its port."""

    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    async with on_loopback([web.get("/", hello)]) as host:
        yield int(host.rpartition(":")[2])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "[::ffff:127.0.0.1]"])
async def test_this_machine_is_not_reached_by_any_spelling(here: int, host: str) -> None:
    async with aiohttp.ClientSession(connector=connector(private=False)) as http:
        with pytest.raises((aiohttp.ClientError, OSError, ValueError)):
            await http.get(f"http://{host}:{here}/")


async def test_where_coins_are_worth_nothing_it_is(here: int) -> None:
    async with (
        aiohttp.ClientSession(connector=connector(private=True)) as http,
        http.get(f"http://127.0.0.1:{here}/") as got,
    ):
        assert await got.text() == "hello"
