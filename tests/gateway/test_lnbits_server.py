"""A whole sale through a real LNbits server, funded by a real wallet over Nostr Wallet Connect.

What else its answers may be is tried with tests/support/lnbits_service.py.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from gateway_harness import GatewayHarness, open_harness
from sales import file_for_sale
from support.eventually import eventually
from support.lightning_harness import LightningHarness, OwnConnection
from support.lnbits_server import LnbitsServer, lnbits_program, lnbits_server

from bitcache.chain_errors import ConnectionCanSpend, WalletRefused
from bitcache.money import Sat
from wallet.lightning.bolt11_invoice import decode
from wallet.lightning.lnbits_wallet import LnbitsWallet

PRICE = 5
#: LNbits 1.6.2 drops Electrum's notice of a payment ("Unexpected status response"), and asks again when half a minute
#: has passed since it asked last.
NOTICE_SECONDS = 90.0

pytestmark = [pytest.mark.node, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def funding(lightning_wallets: LightningHarness) -> Iterator[OwnConnection]:
    """The wallet behind the server, by a connection that only receives."""
    connection = OwnConnection(lightning_wallets.seller, "lnbits", 0)
    yield connection
    connection.remove()


@pytest.fixture
async def server(tmp_path: Path, funding: OwnConnection) -> AsyncIterator[LnbitsServer]:
    async with lnbits_server(lnbits_program(), tmp_path, funding.text) as running:
        yield running


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[GatewayHarness]:
    """A gateway with a seller who is paid on the chain, too."""
    async with open_harness(tmp_path) as harness:
        yield harness


async def test_a_sale_by_its_invoice_key(
    harness: GatewayHarness, server: LnbitsServer, lightning_wallets: LightningHarness
) -> None:
    account = await server.account("Ada's")
    body = {"connection": f"{server.host} {account['inkey']}"}
    got = await harness.call("PUT", "/seller/connection", harness.token, json=body)
    assert (got.status, got.json["kind"]) == (200, "lnbits"), got.body
    sold = await harness.sell(file_for_sale(price_sat=PRICE))
    claim, purchase = await harness.begin(sold.file_id)
    text = await harness.lightning_invoice(purchase)
    assert decode(text).amount_msat == PRICE * 1000
    preimage = await asyncio.to_thread(lightning_wallets.buyer.pay, text)

    async def released() -> bool:
        return (await harness.call("GET", "/share", claim)).status == 200

    await eventually(released, NOTICE_SECONDS)
    payment_hash = hashlib.sha256(preimage).hexdigest()
    assert (await server.told_anybody(payment_hash))["preimage"] == preimage.hex()  # so that alone proves nothing
    await look_up_by_every_key(server, account, text)


async def look_up_by_every_key(server: LnbitsServer, account: dict[str, Any], paid: str) -> None:
    """A paid invoice is settled for the key of its own wallet, and for no other."""
    others, invoice = await server.account("Bob's"), decode(paid)
    async with AsyncExitStack() as stack:
        own, foreign, unknown, admin = [
            await stack.enter_async_context(opened(f"{server.host} {key}"))
            for key in (account["inkey"], others["inkey"], "d4" * 16, account["adminkey"])
        ]
        with pytest.raises(ConnectionCanSpend):
            await admin.info()
        assert (await own.look_up(invoice)).state == "settled"
        assert (await foreign.look_up(invoice)).state == "pending"
        with pytest.raises(WalletRefused, match="not the one"):
            await unknown.look_up(invoice)
        made = await foreign.make_invoice(Sat(PRICE), expiry_seconds=600, description="Bitcache")
        assert (await foreign.look_up(decode(made.text))).state == "pending"


@asynccontextmanager
async def opened(connection: str) -> AsyncIterator[LnbitsWallet]:
    """A wallet by a key."""
    wallet = LnbitsWallet(connection, private=True)
    yield wallet
    await wallet.close()
