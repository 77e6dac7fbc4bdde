"""Nothing secret is written down: not in the log, not in the database, not beside the files.

A whole sale runs at debug level, with the mistakes that people and link scanners make; then everything on
disk and every log line is searched for the link share, the gateway share, the claims and the token.
"""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from gateway_harness import GatewayHarness, open_harness, started
from sales import content, file_for_sale
from support.nostr_relay import Relay, WalletService, relay_server

from bitcache.identifiers import b64u, new_file_id, unb64u
from gateway.config.settings import Log
from gateway.diagnostics import logs


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged, libraries included."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.configure(Log(level="debug", format="json"), stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


def spellings(secret: bytes) -> Iterator[bytes]:
    """How a secret could lie somewhere."""
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    yield b64u(secret).encode()
    yield repr(secret).encode()


async def mistakes(harness: GatewayHarness, link: str, claim: str) -> None:
    """What goes wrong in the wild: scanned links, secrets in the wrong place, broken requests."""
    await harness.call("GET", link.replace("#", "%23"))
    await harness.call("GET", link.replace("#", "%2523") + "." + claim)
    await harness.call("GET", f"//f/{claim}/{harness.token}?claim={claim}")
    await harness.call("GET", f"/purchases/{claim}")
    await harness.call("GET", f"/files/{harness.token}?token={harness.token}")
    await harness.call("GET", "/share", harness.token)
    await harness.call("GET", "/seller", claim)
    await harness.call("POST", "/listings", harness.token, data=claim, headers={"Content-Type": "application/json"})
    await harness.call("POST", "/listings", harness.token, json={claim: claim})
    host, port = harness.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {link} {claim} HTTP/9\r\nAuthorization: Bearer {harness.token}\r\n\r\n".encode())
    await reader.read()
    writer.close()


async def without_javascript(harness: GatewayHarness, file_id: str) -> bytes:
    """A purchase begun by a form; returns the claim in the cookie."""
    url = f"{harness.url}/f/{file_id}/pay"
    async with harness.http.post(url, allow_redirects=False) as got:
        [cookie] = got.cookies.values()
        claim = cookie.value
    await harness.call("GET", f"/f/{file_id}/pay", headers={"Cookie": f"{cookie.key}={claim}"})
    return unb64u(claim.partition("~")[0].partition(".")[2])  # <F>.<C>, the newest first


async def with_a_wallet(harness: GatewayHarness, relay: Relay) -> bytes:
    """Connect a Lightning wallet that refuses every invoice, after some mistakes; return the connection's secret."""
    methods = ["get_info", "make_invoice", "lookup_invoice"]
    answers = {"get_info": {"result": {"methods": methods}}, "make_invoice": {"error": {"code": "RESTRICTED"}}}
    service = WalletService(relay, answers=answers)
    wallet_key, secret = service.connection.wallet_key.hex(), service.connection.secret
    text = f"nostr+walletconnect://{wallet_key}?relay={relay.url}&secret={secret.hex()}"
    for wrong in (text[:-1], text + "&secret=x", text.replace("relay", "rely"), f"{text}&relay={secret.hex()}"):
        got = await harness.call("PUT", "/seller/connection", harness.token, json={"connection": wrong})
        assert got.status == 400
    assert (await harness.call("PUT", f"/seller/{text}", harness.token)).status == 404
    got = await harness.call("PUT", "/seller/connection", harness.token, json={"connection": text})
    assert got.status == 200, got.body
    return secret


async def test_no_secret_is_written(tmp_path: Path, log: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole of it."""
    async with open_harness(tmp_path, log={"level": "debug"}) as harness, relay_server() as relay:
        wallet_secret = await with_a_wallet(harness, relay)
        sold = await harness.sell(file_for_sale(content(200_000), preview="la"))
        claim, purchase = await harness.begin(sold.file_id)
        link = f"/f/{sold.file_id}#{b64u(sold.link_share)}"
        await mistakes(harness, link, claim)
        hidden_claim = await without_javascript(harness, sold.file_id)
        await harness.pay(purchase)
        assert (await harness.call("GET", "/share", claim)).json["share"] == b64u(sold.gateway_share)
        await harness.call("GET", f"/files/{sold.file_id}/bytes", claim)
        with monkeypatch.context() as patch:
            patch.setattr("bitcache.key_release.share_for", broken)
            assert (await harness.call("GET", "/share", claim)).status == 500
        secrets = {
            "link share": sold.link_share,
            "gateway share": sold.gateway_share,
            "claim": unb64u(claim),
            "cookie's claim": hidden_claim,
            "token": unb64u(harness.token),
            "wallet connection": wallet_secret,
        }
        while_open = everything(tmp_path)
    assert "unexpected_failure" in log.getvalue()
    assert log.getvalue().count('"request"') > 15
    places = {"log": log.getvalue().encode()} | while_open | everything(tmp_path)
    assert any("bitcache.sqlite3" in name for name in places)
    for place, text in places.items():
        for name, secret in secrets.items():
            assert not any(spelling in text for spelling in spellings(secret)), f"{name} in {place}"


MALFORMED = (
    "GET /f/{F} {A} HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /f/{F}\xff{A} HTTP/1.1\r\nHost: x\r\n\r\n",
    "{A} /f/{F} HTTP/1.1\r\n\r\n",
    "GET /f/{F}#{A} HTTP/9.9\r\n\r\n",
    "GET / HTTP/1.1\r\nAuthorization: Bearer {A}\x00\r\n\r\n",
    "GET / HTTP/1.1\r\n{A}: x\r\nBad\x00Header: {A}\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\nCookie: {A}" + "c" * 9000 + "\r\n\r\n",
    "GET /" + "a" * 9000 + "{A} HTTP/1.1\r\nHost: x\r\n\r\n",
    "POST /{A} HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n{A}\r\n\r\n",
    "POST /api/v1/files/{F}/purchases HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    "Transfer-Encoding: chunked\r\n\r\n{A}\r\n\r\n",
    "\x16\x03\x01{A}",
    "GET / HTTP/1.1\r\n" + "X: {A}\r\n" * 3000 + "\r\n",
)


@pytest.mark.parametrize("sent", MALFORMED, ids=range(len(MALFORMED)))
async def test_what_is_not_http_is_neither_logged_nor_repeated(
    harness: GatewayHarness, log: io.StringIO, sent: str
) -> None:
    """Not even the half of it that could be read."""
    file_id, share = new_file_id(), "Sh4re" * 4 + "AA"
    raw = sent.replace("{F}", file_id).replace("{A}", share).encode("latin-1")
    host, port = harness.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(raw)
    answer = (await asyncio.wait_for(reader.read(), 10)).decode()
    writer.close()
    assert answer.startswith(("HTTP/1.1 400 ", "HTTP/1.0 400 "))
    assert "aiohttp" not in answer
    for secret in (share, share[:8], file_id):
        assert secret not in answer
        assert secret not in log.getvalue()


def broken(_conn: object, claim: str) -> None:
    """A bug that quotes the claim."""
    raise RuntimeError(f"claim {claim} is odd")


def everything(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder``."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def test_only_the_owner_can_read(tmp_path: Path) -> None:
    """The folder, the keys and the database are closed to other users, and closed again when they were opened."""
    data, closed = tmp_path / "data", ("master.key", "buyer.key", "addresses.journal", "lock")
    async with open_harness(tmp_path) as harness:
        await harness.sell(file_for_sale())
        for name in (".", *closed, *(f"bitcache.sqlite3{end}" for end in ("", "-wal", "-shm"))):
            assert (data / name).stat().st_mode & 0o077 == 0, name
        settings, chain, token = harness.context.settings, harness.chain, harness.token
    opened = ("bitcache.sqlite3", "files", *closed[1:])
    for name in (*opened, "."):
        (data / name).chmod((data / name).stat().st_mode | 0o055)
    async with started(settings, chain, token):
        for name in (*opened, "."):
            assert (data / name).stat().st_mode & 0o077 == 0, name
