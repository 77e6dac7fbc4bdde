"""A buyer's wallet by Nostr Wallet Connect: paid, not paid, and nobody knows."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.nostr_relay import WalletService, relay_server

from bitcache.chain_errors import WalletError, WalletMisbehaved, WalletRefused, WalletUnreachable
from bitcache.money import Sat
from wallet.lightning.nwc.nwc_connection import NwcConnection
from wallet.lightning.nwc.nwc_payer import NwcPayer
from wallet.lightning.simulated_lightning import SimulatedLightning


@dataclass
class Invoice:
    """An invoice for 5 sat, and its preimage."""

    text: str
    preimage: bytes

    @property
    def paid(self) -> dict[str, Any]:
        """What a wallet answers that has paid it."""
        return {"result": {"preimage": self.preimage.hex()}}


def now() -> int:
    return int(time.time())


@pytest.fixture
async def invoice(tmp_path: Path) -> Invoice:
    wallet = SimulatedLightning("regtest", tmp_path / "seller.sqlite", now)
    text = (await wallet.make_invoice(Sat(5), expiry_seconds=600, description="")).text
    return Invoice(text, wallet.pay(text))


@pytest.fixture
async def service() -> AsyncIterator[WalletService]:
    async with relay_server() as relay:
        yield WalletService(relay, answers={"get_info": {"result": {"methods": ["pay_invoice"]}}})


@pytest.fixture
async def payer(service: WalletService) -> AsyncIterator[NwcPayer]:
    nwc = NwcConnection(service.connection, now, private=True)
    yield NwcPayer(nwc, now, pay_seconds=2.0)
    await nwc.close()


async def test_paid(service: WalletService, payer: NwcPayer, invoice: Invoice) -> None:
    service.answers["pay_invoice"] = invoice.paid
    assert await payer.pay(invoice.text) == invoice.preimage
    assert service.asked[-1] == ("pay_invoice", {"invoice": invoice.text})


UNKNOWN = {"error": {"code": "NOT_FOUND"}}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"error": {"code": "QUOTA_EXCEEDED", "message": "no"}}, WalletRefused),
        ({"error": {"code": "INSUFFICIENT_BALANCE"}}, WalletRefused),
        ({"error": {"code": "PAYMENT_FAILED"}}, WalletMisbehaved),
        ({"error": {"code": "INTERNAL"}}, WalletMisbehaved),
        ({"result": {}}, WalletMisbehaved),
        ({"result": {"preimage": None}}, WalletMisbehaved),
        ({"result": {"preimage": "00" * 32}}, WalletMisbehaved),
        ({"result": {"preimage": "no"}}, WalletMisbehaved),
        (None, WalletUnreachable),
    ],
)
async def test_refused_is_not_unknown(
    service: WalletService,
    payer: NwcPayer,
    invoice: Invoice,
    answer: dict[str, Any] | None,
    error: type[WalletError],
) -> None:
    """Only a wallet that did not try has certainly sent nothing."""
    service.answers |= {"pay_invoice": answer, "lookup_invoice": UNKNOWN}
    with pytest.raises(error) as raised:
        await payer.pay(invoice.text)
    assert type(raised.value) is error


@pytest.mark.parametrize("answer", [None, {"error": {"code": "PAYMENT_FAILED"}}, {"result": {}}])
async def test_what_is_unknown_is_looked_up(
    service: WalletService, payer: NwcPayer, invoice: Invoice, answer: dict[str, Any] | None
) -> None:
    service.answers |= {"pay_invoice": answer, "lookup_invoice": invoice.paid}
    assert await payer.pay(invoice.text) == invoice.preimage


@pytest.mark.parametrize(
    "answer", [{"result": {"state": "pending"}}, {"result": {"state": "pending", "preimage": ""}}, UNKNOWN]
)
async def test_what_is_not_known_to_be_paid(
    service: WalletService, payer: NwcPayer, invoice: Invoice, answer: dict[str, Any]
) -> None:
    service.answers["lookup_invoice"] = answer
    assert await payer.preimage_of(invoice.text) is None


@pytest.mark.parametrize(("network", "due"), [("main", 5), ("regtest", 4), ("regtest", 6)])
def test_an_invoice_for_something_else_is_not_paid(payer: NwcPayer, invoice: Invoice, network: str, due: int) -> None:
    payer.check(invoice.text, "regtest", Sat(5))
    with pytest.raises(WalletMisbehaved):
        payer.check(invoice.text, network, Sat(due))
