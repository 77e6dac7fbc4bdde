"""Clients that others wrote, unmodified: Alby's SDK pays what a gateway asked for, Alby's lightning-tools read it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from gateway_harness import GatewayHarness, open_harness
from sales import file_for_sale
from support.lightning_harness import LightningHarness, OwnConnection
from support.node_script import said_by

from wallet.lightning.bolt11_invoice import CLOCK_SLACK, decode

PRICE = 21

pytestmark = [pytest.mark.node, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[GatewayHarness]:
    """A gateway with a seller who is paid on the chain, too."""
    async with open_harness(tmp_path) as harness:
        yield harness


@pytest.fixture
def receiving(lightning_wallets: LightningHarness) -> Iterator[OwnConnection]:
    """The seller's."""
    connection = OwnConnection(lightning_wallets.seller, "receiving", 0)
    yield connection
    connection.remove()


@pytest.fixture
def spending(lightning_wallets: LightningHarness) -> Iterator[OwnConnection]:
    """The buyer's, for small amounts."""
    connection = OwnConnection(lightning_wallets.buyer, "spending", 10 * PRICE)
    yield connection
    connection.remove()


def paid_by_alby(connection: str, invoice: str) -> dict[str, Any]:
    """What Alby's client says."""
    asked = {"connection": connection, "invoice": invoice}
    return said_by("foreign-wallet.js", "@getalby/sdk", asked, "--experimental-websocket", "--no-warnings")


async def test_the_preimage_that_it_returns_opens_the_file(
    harness: GatewayHarness, receiving: OwnConnection, spending: OwnConnection
) -> None:
    """Though the seller's wallet says nothing: its connection is removed once it has made the invoice."""
    got = await harness.call("PUT", "/seller/connection", harness.token, json={"connection": receiving.text})
    assert got.status == 200, got.body
    sold = await harness.sell(file_for_sale(price_sat=PRICE))
    claim, purchase = await harness.begin(sold.file_id)
    invoice = await harness.lightning_invoice(purchase)
    await asyncio.to_thread(receiving.remove)

    said = await asyncio.to_thread(paid_by_alby, spending.text, invoice)
    ours = decode(invoice)
    assert said["millisatoshi"] == PRICE * 1000
    assert said["paymentHash"] == ours.payment_hash.hex()
    assert said["timestamp"] + said["expiry"] == ours.expires_at
    assert said["timestamp"] + said["expiry"] <= purchase["expires_at"] + CLOCK_SLACK
    assert (said["hasExpired"], said["proves"], said["provesNothing"]) == (False, True, False)
    assert "pay_invoice" in said["methods"]
    preimage = bytes.fromhex(said["preimage"])
    assert hashlib.sha256(preimage).digest() == ours.payment_hash

    path = f"/purchases/{purchase['purchase_id']}"
    assert (await harness.call("GET", path)).json["state"] == "new"
    assert (await harness.call("GET", "/share", claim)).status == 402
    wrong = await harness.call("POST", f"{path}/receipt", claim, json={"preimage": "00" * 32})
    assert wrong.status == 400
    shown = await harness.call("POST", f"{path}/receipt", claim, json={"preimage": said["preimage"]})
    assert shown.status == 200, shown.body
    assert (await harness.call("GET", "/share", claim)).status == 200
