"""A gateway that wants to crash the client, fill its memory or disk, keep it for ever, or play with the terminal."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import json
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from lying import answering, lying
from rich.console import Console

from bitcache.errors import BitcacheError, DiskFull
from bitcache.sealing.container import MAX_PLAIN_SIZE, sealed_size
from gateway.api.models import File, Purchase
from gateway.cli import buy_run as terminal
from gateway.cli import console
from gateway.client import buy_file, follow_purchase
from gateway.client.buy_file import buy
from gateway.client.errors import GatewayConfused
from gateway.client.sell_file import PublishedFile
from gateway.client.verified_offer import VerifiedOffer, group_hashes, look
from gateway.demo.demonstration import Demo


async def endless(request: web.Request) -> web.StreamResponse:
    """Bytes for ever."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(bytes(65_536))


async def of_size(demo: Demo, sold: PublishedFile, plain: int) -> VerifiedOffer:
    """The file, said to be that large."""
    offer = await look(demo.gateway, sold.link)
    return dataclasses.replace(offer, manifest=dataclasses.replace(offer.manifest, sealed_size=sealed_size(plain)))


async def test_an_enormous_file_is_refused_before_anything_is_asked_for(
    demo: Demo, sold: PublishedFile, tmp_path: Path
) -> None:
    offer = await of_size(demo, sold, MAX_PLAIN_SIZE)
    with pytest.raises(DiskFull, match="GB are free"):
        await buy(demo.gateway, offer, tmp_path / "out", tmp_path / "state", timeout=1)
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("plain", [MAX_PLAIN_SIZE, 2**30])
async def test_group_hashes_without_end(demo: Demo, sold: PublishedFile, plain: int) -> None:
    offer = await of_size(demo, sold, plain)
    async with answering(endless) as gateway:
        with pytest.raises(GatewayConfused):
            await asyncio.wait_for(group_hashes(gateway, offer), 20)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 50_000, '{"price_sat": ' + "9" * 5000 + "}"])
async def test_deep_and_long_json(text: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=text, content_type="application/json")

    async with answering(answer) as gateway:
        with pytest.raises(GatewayConfused):
            await gateway.call(File, "GET", "/files/x")


async def test_an_error_is_one_line_of_plain_text() -> None:
    async def answer(request: web.Request) -> web.Response:
        detail = "a\n\u202eb\u2066\x1b[31m\ud800" + "x" * 100_000
        return web.json_response({"code": "not_found", "detail": detail}, status=404)

    async with answering(answer) as gateway:
        with pytest.raises(BitcacheError) as caught:
            await gateway.call(File, "GET", "/files/x")
    assert str(caught.value).startswith("a  b  [31m?xxx")
    assert len(str(caught.value)) == 500


async def test_events_of_one_line_without_end_are_polled_for(
    demo: Demo, sold: PublishedFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow_purchase, "POLL_SECONDS", 0.01)
    body = json.dumps(purchase_of(sold, "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"))

    async def answer(request: web.Request) -> web.StreamResponse:
        if not request.path.endswith("/events"):
            return web.Response(text=body)
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"data: " + b"x" * 3_000_000)
        return response

    async with answering(answer) as gateway, aclosing(follow_purchase.follow(gateway, "T" * 22)) as news:
        assert [(await asyncio.wait_for(anext(news), 10)).state for _ in range(3)] == ["new"] * 3


async def test_seen_and_refused_for_ever(
    demo: Demo, sold: PublishedFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buy_file, "_REFUSED_SECONDS", 1.0)

    def lie(path: str, body: bytes) -> bytes:
        if path.endswith("/bytes") or b"purchase_id" not in body:
            return body
        purchase = json.loads(body)
        request = purchase["payment_requests"][0]
        nothing = request | {"payable_sat": 0, "uri": f"bitcoin:{request['destination']}"}
        paid = {"state": "processing", "received_sat": 2500, "due_sat": 0, "payment_requests": [nothing]}
        return json.dumps(purchase | paid).encode()

    async with lying(demo, lie, events=True) as gateway:
        offer = await look(gateway, sold.link)
        with pytest.raises(GatewayConfused, match="hands nothing out"):
            await asyncio.wait_for(buy(gateway, offer, tmp_path / "out", tmp_path, timeout=600), 30)


async def test_no_markup_and_nothing_hidden_on_the_terminal(
    demo: Demo, sold: PublishedFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.StringIO()
    screen = Console(file=out, width=200, force_terminal=True)
    for module in (console, terminal):
        monkeypatch.setattr(module, "console", screen)
    odd = {"amount_btc": "[/bold]", "network": "[link=https://evil.example]\u202e\nPay 1 BTC\ud800[/link]"}
    purchase = Purchase(**purchase_of(sold, "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", **odd))
    offer = await look(demo.gateway, sold.link)
    terminal.Terminal(console.Bars()).invoice(purchase, offer)
    assert "(0.000025 BTC)" in out.getvalue()
    assert "[link=https://evil.example]  Pay 1 BTC?[/link]" in out.getvalue()
    assert "[/bold]" not in out.getvalue()
    assert "\u202e" not in out.getvalue()


def purchase_of(sold: PublishedFile, address: str, **members: Any) -> dict[str, Any]:
    """What an unpaid invoice looks like."""
    times = {"created_at": 1, "expires_at": 2, "seen_at": None, "settled_at": None}
    plain = {"purchase_id": "T" * 22, "file_id": sold.link.file_id, "state": "new", "marks": [], "amount_sat": 2500}
    sums = {"received_sat": 0, "due_sat": 2500, "confirmed_sat": 0, "confirmations": 0, "confirmations_required": 1}
    request = {"rail": "onchain", "destination": address, "uri": f"bitcoin:{address}?amount=0.000025"}
    more = {"payable_sat": 2500, "expires_at": 2, "sees_unconfirmed": True, "unavailable": None}
    asked = {"payment_requests": [request | more], "amount_btc": "0.000025"}
    rest = {"released": False, "payments": [], "network": "regtest"}
    return times | plain | sums | asked | rest | members
