"""No token and no claim goes over a connection that others can read, unless somebody says so."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from gateway.client.errors import GatewayConfused, NotEncrypted
from gateway.client.gateway_client import connect

TOKEN = "A" * 43
#: A name that no name server knows (RFC 6761), and an address that nobody has (RFC 5737).
ELSEWHERE = ["http://gateway.invalid", "http://192.0.2.1:8402", "http://localhost.invalid", "http://127.0.0.1.invalid"]


class Listener:
    """A server that notes every request whole, and answers with ``redirect`` or 404."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.redirect = ""
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                listener.heard.append(f"{self.requestline}\n{self.headers}")
                self.send_response(307 if listener.redirect else 404)
                if listener.redirect:
                    self.send_header("Location", listener.redirect + self.path)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    thread = Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


@pytest.mark.parametrize("base", ELSEWHERE)
async def test_plain_http_is_refused_before_anything_is_sent(base: str) -> None:
    with pytest.raises(NotEncrypted) as raised:
        async with connect(base):
            pass
    assert "https://" in raised.value.advice
    assert "--insecure-http" in raised.value.advice


@pytest.mark.parametrize(
    "base",
    [
        "https://gateway.invalid",
        "http://127.0.0.1:8402",
        "http://127.1.2.3",
        "http://[::1]:8402",
        "http://localhost:8402",
        "http://shop.localhost",
        f"http://{'a' * 56}.onion",
    ],
)
async def test_nobody_on_the_way_can_read_these(base: str) -> None:
    async with connect(base) as client:
        assert client.base == base


async def test_whoever_knows_the_network_may_say_so() -> None:
    async with connect("http://gateway.invalid", insecure_http=True) as client:
        assert client.base == "http://gateway.invalid"


async def test_a_redirect_is_not_followed(listener: Listener) -> None:
    """Not to another host, and not from https to http: the token stays with the gateway that was named."""
    other = Listener()
    try:
        listener.redirect = other.url
        async with connect(listener.url) as client:
            with pytest.raises(GatewayConfused, match="307"):
                async with client.open("GET", "/seller", bearer=TOKEN):
                    pass
        assert len(listener.heard) == 1
        assert other.heard == []
    finally:
        other.server.server_close()
