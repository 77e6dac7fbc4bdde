"""Lightning addresses: what a service may answer, and what becomes of it."""

from __future__ import annotations

import gzip
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from support.lnurl_service import LnurlService, lnurl_service

from bitcache.chain_errors import (
    ConnectionRefused,
    ConnectionTellsNothing,
    WalletError,
    WalletMisbehaved,
    WalletRefused,
    WalletUnreachable,
)
from bitcache.money import Sat
from wallet.lightning.bolt11_invoice import decode
from wallet.lightning.lightning_address import LightningAddress, is_lightning_address
from wallet.lightning.open_connection import Opener


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[LnurlService]:
    async with lnurl_service(tmp_path) as running:
        yield running


@pytest.fixture
async def wallet(service: LnurlService) -> AsyncIterator[LightningAddress]:
    address = LightningAddress(service.address, private=True)
    yield address
    await address.close()


@pytest.mark.parametrize("text", ["ada@example.com", "Ada.B+tips@pay.example.com", "_x@a-b.example"])
def test_what_is_an_address(text: str) -> None:
    assert is_lightning_address(text)


@pytest.mark.parametrize(
    "text",
    ["ada", "ada@localhost", "@example.com", "a b@example.com", "ada@example.com/x", "ada@exa mple.com", "a@[::1]"],
)
def test_what_is_none(text: str) -> None:
    assert not is_lightning_address(text)
    opener = Opener("main", lambda: int(time.time()))
    with pytest.raises(ConnectionRefused):
        opener.open(text)


async def test_a_service_that_does_not_say_what_was_paid(service: LnurlService, wallet: LightningAddress) -> None:
    """It could never be told that a buyer has paid."""
    service.answers["callback"] = lambda honest: {name: value for name, value in honest.items() if name != "verify"}
    with pytest.raises(ConnectionTellsNothing, match="LUD-21"):
        await wallet.info()
    with pytest.raises(WalletMisbehaved):
        await wallet.make_invoice(Sat(5), expiry_seconds=600, description="")


@pytest.mark.parametrize("sat", [0, 100_001])
async def test_an_amount_that_the_service_does_not_take(wallet: LightningAddress, sat: int) -> None:
    with pytest.raises(WalletRefused, match="1 to 100000 sat"):
        await wallet.make_invoice(Sat(sat), expiry_seconds=600, description="")


async def test_another_invoices_state_is_not_this_ones(service: LnurlService, wallet: LightningAddress) -> None:
    first, second = [await wallet.make_invoice(Sat(5), expiry_seconds=600, description="") for _ in range(2)]
    service.pay(first.text)
    with pytest.raises(WalletMisbehaved, match="another invoice"):
        await wallet.look_up(decode(second.text), first.status_url)
    assert (await wallet.look_up(decode(second.text), second.status_url)).state == "pending"


@pytest.mark.parametrize("step", ["terms", "callback", "verify"])
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda: {"status": "ERROR", "reason": "<script>"}, WalletRefused),
        (lambda: [1], WalletMisbehaved),
        (lambda: web.Response(text="<html>"), WalletMisbehaved),
        (lambda: web.Response(text="[" * 60_000), WalletMisbehaved),
        (lambda: web.Response(body=b" " * 100_000), WalletMisbehaved),
        (lambda: web.Response(body=gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"}), WalletMisbehaved),
        (lambda: web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}), WalletRefused),
        (lambda: web.Response(status=404), WalletRefused),
        (lambda: web.Response(status=429), WalletUnreachable),
        (lambda: web.Response(status=502), WalletUnreachable),
    ],
    ids=["error", "list", "html", "deep", "huge", "compressed", "redirect", "none", "too-often", "broken"],
)
async def test_strange_answers(
    service: LnurlService, wallet: LightningAddress, step: str, answer: Callable[[], Any], error: type[WalletError]
) -> None:
    """Each is a documented error, and quotes nothing of the stranger's."""
    made = await wallet.make_invoice(Sat(5), expiry_seconds=600, description="")
    service.answers[step] = lambda _: answer()
    if (step, error) == ("verify", WalletRefused):  # it does not know the invoice: nobody can tell
        assert (await wallet.look_up(decode(made.text), made.status_url)).state == "pending"
        return
    again = (
        wallet.look_up(decode(made.text), made.status_url)
        if step == "verify"
        else wallet.make_invoice(Sat(5), expiry_seconds=600, description="")
    )
    with pytest.raises(error) as raised:
        await again
    assert type(raised.value) is error
    assert "script" not in str(raised.value)


@pytest.mark.parametrize(
    "terms",
    [
        {"tag": "withdrawRequest"},
        {"tag": "payRequest", "minSendable": "1", "maxSendable": 5, "callback": "https://example.com"},
        {"tag": "payRequest", "minSendable": 5, "maxSendable": 1, "callback": "https://example.com"},
        {"tag": "payRequest", "minSendable": 1, "maxSendable": 10_000_000},
        {"tag": "payRequest", "minSendable": 1, "maxSendable": 10_000_000, "callback": "file:///etc/passwd"},
    ],
)
async def test_terms_under_which_nobody_is_paid(
    service: LnurlService, wallet: LightningAddress, terms: dict[str, Any]
) -> None:
    service.answers["terms"] = terms
    with pytest.raises(WalletMisbehaved):
        await wallet.info()


async def test_only_the_public_internet_is_asked(service: LnurlService) -> None:
    """A seller names hosts, and a service names further ones."""
    with pytest.raises(ConnectionRefused):
        LightningAddress(service.address)
    strict = LightningAddress("ada@localhost.localdomain")
    status_url = f"http://{service.host}/verify/00"
    invoice = decode((await service.wallet.make_invoice(Sat(1), expiry_seconds=60, description="")).text)
    assert (await strict.look_up(invoice, status_url)).state == "pending"
    with pytest.raises(WalletUnreachable):
        await strict.look_up(invoice, status_url.replace("http:", "https:"))
    await strict.close()
    assert service.made == []
