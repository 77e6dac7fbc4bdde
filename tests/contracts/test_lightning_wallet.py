"""What every Lightning wallet that a seller connects must do: the simulated one, and a real one over a real relay."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from support.lightning_harness import LightningHarness
from support.lnbits_service import lnbits_service
from support.lnurl_service import lnurl_service

from bitcache.chain_errors import WalletMisbehaved, WalletRefused
from bitcache.money import Sat
from wallet.lightning.bolt11_invoice import check, decode
from wallet.lightning.lightning_address import LightningAddress
from wallet.lightning.lightning_wallet import LightningWallet
from wallet.lightning.lnbits_wallet import LnbitsWallet
from wallet.lightning.nwc.connection_string import parse
from wallet.lightning.nwc.nwc_connection import NwcConnection
from wallet.lightning.nwc.nwc_wallet import NwcWallet
from wallet.lightning.simulated_lightning import SimulatedLightning
from wallet.rails.lightning import LONGEST_LIFE

DESCRIPTION = "Bitcache"


def now() -> int:
    return int(time.time())


@dataclass
class Connected:
    """A wallet, and somebody who pays its invoices: returns the preimage."""

    wallet: LightningWallet
    pay: Callable[[str], bytes]
    notifies: bool = True


@pytest.fixture(
    params=["simulated", "address", "lnbits", pytest.param("electrum", marks=[pytest.mark.node, pytest.mark.slow])]
)
async def connected(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Connected]:
    """Each implementation in turn."""
    if request.param == "simulated":
        simulated = SimulatedLightning("regtest", tmp_path / "wallet.sqlite", now)
        yield Connected(simulated, simulated.pay)
        return
    if request.param == "address":
        async with lnurl_service(tmp_path) as service:
            address = LightningAddress(service.address, private=True)
            yield Connected(address, service.pay, notifies=False)
            await address.close()
        return
    if request.param == "lnbits":
        async with lnbits_service(tmp_path) as lnbits:
            keyed = LnbitsWallet(lnbits.connection(), private=True)
            yield Connected(keyed, lnbits.wallet.pay, notifies=False)
            await keyed.close()
        return
    real: LightningHarness = request.getfixturevalue("lightning_wallets")
    wallet = NwcWallet(NwcConnection(parse(real.connection, private=True), now, private=True))
    yield Connected(wallet, real.buyer.pay)
    await wallet.close()


async def test_it_may_receive_and_not_spend(connected: Connected) -> None:
    info = await connected.wallet.info()
    assert {"make_invoice", "lookup_invoice"} <= info.methods
    assert not {"pay_invoice", "pay_keysend"} & info.methods


@pytest.mark.parametrize("sat", [1, 21, 2500])
async def test_an_invoice_asks_for_exactly_the_amount(connected: Connected, sat: int) -> None:
    text = (await connected.wallet.make_invoice(Sat(sat), expiry_seconds=600, description=DESCRIPTION)).text
    longest = 600 if connected.wallet.keeps_expiry else LONGEST_LIFE
    terms = {"network": "regtest", "now": now(), "latest_expiry": now() + longest}
    invoice = decode(text)
    assert now() + 500 < check(invoice, amount=Sat(sat), **terms) <= now() + longest
    with pytest.raises(WalletMisbehaved, match="another amount"):
        check(invoice, amount=Sat(sat + 1), **terms)
    with pytest.raises(WalletMisbehaved, match="another Bitcoin network"):
        check(invoice, amount=Sat(sat), **{**terms, "network": "main"})


async def test_it_is_pending_until_it_is_paid(connected: Connected) -> None:
    """And a notification says so, where there are any: a hint and no more."""
    wallet = connected.wallet
    made = await wallet.make_invoice(Sat(5), expiry_seconds=600, description=DESCRIPTION)
    invoice = decode(made.text)
    assert (await wallet.look_up(invoice, made.status_url)).state == "pending"
    hint = asyncio.create_task(anext(wallet.hints()))
    preimage = await asyncio.to_thread(connected.pay, made.text)
    assert hashlib.sha256(preimage).digest() == invoice.payment_hash
    if connected.notifies:
        async with asyncio.timeout(20):
            assert await hint == invoice.payment_hash
    hint.cancel()
    for _ in range(2):
        assert (await wallet.look_up(invoice, made.status_url)).state == "settled"


async def test_an_invoice_of_another_wallet_is_not_settled(connected: Connected) -> None:
    invoice = decode((await connected.wallet.make_invoice(Sat(5), expiry_seconds=600, description=DESCRIPTION)).text)
    foreign = replace(invoice, payment_hash=secrets.token_bytes(32))
    with suppress(WalletRefused):  # it may say as well that it does not know it
        assert (await connected.wallet.look_up(foreign)).state == "pending"


async def test_every_invoice_is_another(connected: Connected) -> None:
    made = [
        decode((await connected.wallet.make_invoice(Sat(5), expiry_seconds=600, description=DESCRIPTION)).text)
        for _ in range(3)
    ]
    assert len({invoice.payment_hash for invoice in made}) == 3
