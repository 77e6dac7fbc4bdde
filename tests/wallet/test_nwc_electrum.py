"""A real wallet (Electrum) over a real relay that is killed; what every wallet must do is in tests/contracts."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator

import pytest
from support.lightning_harness import LightningHarness

from bitcache.chain_errors import ConnectionCanSpend, WalletUnreachable
from bitcache.money import Sat
from wallet.lightning.bolt11_invoice import decode
from wallet.lightning.nwc.connection_string import parse
from wallet.lightning.nwc.nwc_connection import NwcConnection
from wallet.lightning.nwc.nwc_payer import NwcPayer
from wallet.lightning.nwc.nwc_wallet import NwcWallet

pytestmark = [pytest.mark.node, pytest.mark.slow, pytest.mark.timeout(240)]


def now() -> int:
    return int(time.time())


@pytest.fixture
async def wallet(lightning_wallets: LightningHarness) -> AsyncIterator[NwcWallet]:
    """The seller's wallet, by a connection that may only receive."""
    wallet = NwcWallet(NwcConnection(parse(lightning_wallets.connection, private=True), now, private=True))
    yield wallet
    await wallet.close()


async def test_a_connection_that_can_spend_is_refused(lightning_wallets: LightningHarness) -> None:
    wallet = NwcWallet(NwcConnection(parse(lightning_wallets.spending, private=True), now, private=True))
    with pytest.raises(ConnectionCanSpend):
        await wallet.info()
    await wallet.close()


async def test_paid_while_the_relay_is_gone(lightning_wallets: LightningHarness, wallet: NwcWallet) -> None:
    """The notice is lost for ever: relays replay nothing.  The invoice is looked up when the relay is back."""
    text = (await wallet.make_invoice(Sat(7), expiry_seconds=600, description="Bitcache")).text
    lightning_wallets.relay.kill()
    await asyncio.to_thread(lightning_wallets.buyer.pay, text)
    lightning_wallets.relay.start()
    for _ in range(40):
        try:
            if (await wallet.look_up(decode(text))).state == "settled":
                return
        except WalletUnreachable:
            await asyncio.sleep(1)
    pytest.fail("the payment is not seen")


async def test_a_buyers_wallet_pays_and_proves_it(lightning_wallets: LightningHarness, wallet: NwcWallet) -> None:
    """A real payment by a real wallet; handed over again it is not paid again."""
    nwc = NwcConnection(parse(lightning_wallets.spending, private=True), now, private=True)
    payer = NwcPayer(nwc, now)
    text = (await wallet.make_invoice(Sat(9), expiry_seconds=600, description="Bitcache")).text
    payer.check(text, "regtest", Sat(9))
    before = lightning_wallets.buyer.call("list_channels")[0]["local_balance"]
    preimage = await payer.pay(text)
    assert hashlib.sha256(preimage).digest() == decode(text).payment_hash
    assert await payer.pay(text) == preimage
    assert lightning_wallets.buyer.call("list_channels")[0]["local_balance"] == before - 9
    assert (await wallet.look_up(decode(text))).state == "settled"
    await payer.close()
