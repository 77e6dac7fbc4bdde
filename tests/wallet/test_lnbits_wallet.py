"""LNbits by its invoice key: keys that may spend, and what a server may answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from support.lnbits_service import ADMIN_KEY, INVOICE_KEY, LnbitsService, lnbits_service

from bitcache.chain_errors import (
    ConnectionCanSpend,
    ConnectionRefused,
    WalletError,
    WalletMisbehaved,
    WalletRefused,
    WalletUnreachable,
)
from bitcache.money import Sat
from wallet.lightning.bolt11_invoice import decode
from wallet.lightning.lnbits_wallet import LnbitsWallet, is_lnbits


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[LnbitsService]:
    async with lnbits_service(tmp_path) as running:
        yield running


@pytest.fixture
async def wallet(service: LnbitsService) -> AsyncIterator[LnbitsWallet]:
    lnbits = LnbitsWallet(service.connection(), private=True)
    yield lnbits
    await lnbits.close()


@pytest.mark.parametrize(
    "text", ["https://a.example", INVOICE_KEY, f"a.example {INVOICE_KEY}", f"https://u:p@a.example {INVOICE_KEY}"]
)
def test_what_is_no_server_and_key(text: str) -> None:
    assert not is_lnbits(text)


def test_a_key_is_not_sent_unencrypted(service: LnbitsService) -> None:
    with pytest.raises(ConnectionRefused, match="https") as raised:
        LnbitsWallet(service.connection())
    assert INVOICE_KEY not in str(raised.value)


async def test_a_key_that_can_spend_is_refused(service: LnbitsService) -> None:
    wallet = LnbitsWallet(service.connection(ADMIN_KEY), private=True)
    with pytest.raises(ConnectionCanSpend, match="invoices only") as raised:
        await wallet.info()
    assert "invoice key" in raised.value.advice
    await wallet.close()


async def test_a_key_that_nobody_knows(service: LnbitsService) -> None:
    wallet = LnbitsWallet(service.connection("d4" * 16), private=True)
    with pytest.raises(WalletRefused, match="404"):
        await wallet.info()
    await wallet.close()


async def test_another_wallets_payment_is_not_this_ones(service: LnbitsService, wallet: LnbitsWallet) -> None:
    """The server answers anybody: without details it is not about this key's wallet."""
    made = await wallet.make_invoice(Sat(5), expiry_seconds=600, description="")
    service.wallet.pay(made.text)
    stranger = LnbitsWallet(service.connection("d4" * 16), private=True)
    with pytest.raises(WalletRefused, match="not the one"):
        await stranger.look_up(decode(made.text))
    await stranger.close()
    assert (await wallet.look_up(decode(made.text))).state == "settled"


@pytest.mark.parametrize(
    "details",
    [None, [], {"payment_hash": "00" * 32, "amount": 5000}, {"amount": 5000}, {"amount": "5000"}, {"amount": -5000}],
)
async def test_paid_is_believed_with_details_alone(
    service: LnbitsService, wallet: LnbitsWallet, details: object
) -> None:
    """What the same wallet sent has an amount below nothing."""
    invoice = decode((await wallet.make_invoice(Sat(5), expiry_seconds=600, description="")).text)
    if isinstance(details, dict) and details["amount"] != 5000:
        details = {"payment_hash": invoice.payment_hash.hex(), **details}
    service.answer = web.json_response({"paid": True, "details": details})
    with pytest.raises(WalletRefused, match="not the one"):
        await wallet.look_up(invoice)


@pytest.mark.parametrize(
    ("status", "text", "error"),
    [
        (200, "no", WalletMisbehaved),
        (200, "{}", WalletMisbehaved),
        (401, "", WalletRefused),
        (503, "", WalletUnreachable),
    ],
)
async def test_strange_answers(
    service: LnbitsService, wallet: LnbitsWallet, status: int, text: str, error: type[WalletError]
) -> None:
    """None of them quotes the key."""
    service.answer = web.Response(status=status, text=text)
    with pytest.raises(error) as raised:
        await wallet.make_invoice(Sat(5), expiry_seconds=600, description="")
    assert type(raised.value) is error
    assert INVOICE_KEY not in f"{raised.value} {raised.value!r} {wallet!r}"
