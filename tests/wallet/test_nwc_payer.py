"""A buyer's wallet by Nostr Wallet Connect: paid, not paid, and nobody knows."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.nostr_relay import WalletService, relay_server

from bitcache.chain_errors import WalletError, WalletMisbehaved, WalletRefused
from wallet.lightning.bolt11_invoice import DecodedInvoice
from wallet.lightning.nwc.nwc_payer import NwcPayer

PREIMAGE = bytes(range(32))
INVOICE = DecodedInvoice("lnbcrt1", "bcrt", hashlib.sha256(PREIMAGE).digest(), 1000, 1, 2)
PAID = {"result": {"preimage": PREIMAGE.hex()}}


@pytest.fixture
async def service() -> AsyncIterator[WalletService]:
    async with relay_server() as relay:
        yield WalletService(relay, answers={"get_info": {"result": {"methods": ["pay_invoice"]}}})


@pytest.fixture
async def payer(service: WalletService) -> AsyncIterator[NwcPayer]:
    payer = NwcPayer(service.connection, lambda: int(time.time()), private=True)
    yield payer
    await payer.close()


async def test_paid(service: WalletService, payer: NwcPayer) -> None:
    service.answers["pay_invoice"] = PAID
    assert await payer.pay(INVOICE) == PREIMAGE
    assert service.asked[-1] == ("pay_invoice", {"invoice": "lnbcrt1"})


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
    ],
)
async def test_refused_is_not_unknown(
    service: WalletService, payer: NwcPayer, answer: dict[str, Any], error: type[WalletError]
) -> None:
    """Only a wallet that did not try has certainly sent nothing."""
    service.answers["pay_invoice"] = answer
    with pytest.raises(error) as raised:
        await payer.pay(INVOICE)
    assert type(raised.value) is error


@pytest.mark.parametrize(
    ("answer", "known"),
    [
        (PAID, True),
        ({"result": {"state": "pending"}}, False),
        ({"result": {"state": "pending", "preimage": ""}}, False),
        ({"error": {"code": "NOT_FOUND"}}, False),
    ],
)
async def test_afterwards_the_wallet_is_asked(
    service: WalletService, payer: NwcPayer, answer: dict[str, Any], known: bool
) -> None:
    service.answers["lookup_invoice"] = answer
    assert await payer.preimage_of(INVOICE) == (PREIMAGE if known else None)
