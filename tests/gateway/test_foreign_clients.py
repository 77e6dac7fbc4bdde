"""Clients that others wrote, unmodified: Alby's SDK pays what a gateway asked for, Alby's lightning-tools read it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from gateway_harness import GatewayHarness, open_harness
from sales import file_for_sale
from support.lightning_harness import LightningHarness, OwnConnection

from wallet.lightning.bolt11_invoice import CLOCK_SLACK, decode

JS = Path(__file__).parents[1] / "js"
PRICE = 21

pytestmark = [pytest.mark.node, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def node() -> str:
    """The program that runs JavaScript."""
    program = os.environ.get("NODE") or shutil.which("node")
    if not program:
        pytest.skip("no node to run Alby's client with")
    if not (JS / "node_modules" / "@getalby" / "sdk").is_dir():
        pytest.skip("npm ci has not run in tests/js")
    return program


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


def paid_by_alby(node: str, connection: str, invoice: str) -> dict[str, Any]:
    """What Alby's client says."""
    done = subprocess.run(
        [node, "--experimental-websocket", "--no-warnings", JS / "foreign-wallet.js"],
        input=json.dumps({"connection": connection, "invoice": invoice}),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


async def test_the_preimage_that_it_returns_opens_the_file(
    harness: GatewayHarness, receiving: OwnConnection, spending: OwnConnection, node: str
) -> None:
    """Though the seller's wallet says nothing: its connection is removed once it has made the invoice."""
    got = await harness.call("PUT", "/seller/connection", harness.token, json={"connection": receiving.text})
    assert got.status == 200, got.body
    sold = await harness.sell(file_for_sale(price_sat=PRICE))
    claim, purchase = await harness.begin(sold.file_id)
    invoice = await harness.lightning_invoice(purchase)
    await asyncio.to_thread(receiving.remove)

    said = await asyncio.to_thread(paid_by_alby, node, spending.text, invoice)
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
