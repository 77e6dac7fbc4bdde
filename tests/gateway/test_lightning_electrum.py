"""Whole sales with real Lightning wallets: asked over a real relay, paid through a real channel."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from gateway_harness import GatewayHarness, settings_in, started
from sales import file_for_sale
from support.accounts import descriptor
from support.lightning_harness import LightningHarness

from gateway.compose import check_payout, init_data_folder
from gateway.config.settings import Settings
from wallet.chain.simulated_chain import SimulatedChain

pytestmark = [pytest.mark.node, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
async def folder(tmp_path: Path) -> tuple[Settings, str]:
    """A data folder with a seller who is paid on the chain, too; and the seller's token."""
    settings = settings_in(tmp_path)
    terms = await check_payout(settings, descriptor("wpkh"))
    return settings, await init_data_folder(settings, "Ada", terms=terms)


@pytest.fixture
async def harness(folder: tuple[Settings, str]) -> AsyncIterator[GatewayHarness]:
    async with started(folder[0], SimulatedChain(), folder[1]) as harness:
        yield harness


async def connect(harness: GatewayHarness, wallets: LightningHarness) -> None:
    """Connect the seller's wallet."""
    got = await harness.call("PUT", "/seller/connection", harness.token, json={"connection": wallets.connection})
    assert (got.status, got.json["kind"]) == (200, "nwc"), got.body


async def test_one_satoshi_is_paid_and_the_file_released(
    harness: GatewayHarness, lightning_wallets: LightningHarness
) -> None:
    await connect(harness, lightning_wallets)
    sold = await harness.sell(file_for_sale(price_sat=1))
    claim, purchase = await harness.begin(sold.file_id)
    invoice = await harness.lightning_invoice(purchase)
    await asyncio.to_thread(lightning_wallets.buyer.pay, invoice)
    await harness.state(purchase, "settled")
    assert (await harness.call("GET", "/share", claim)).status == 200
    shown = (await harness.call("GET", f"/purchases/{purchase['purchase_id']}")).json
    assert [payment["rail"] for payment in shown["payments"]] == ["lightning"]


async def test_a_connection_that_can_spend_is_refused(
    harness: GatewayHarness, lightning_wallets: LightningHarness, tmp_path: Path
) -> None:
    """And is written nowhere."""
    body = {"connection": lightning_wallets.spending}
    got = await harness.call("PUT", "/seller/connection", harness.token, json=body)
    assert (got.status, got.json["code"]) == (400, "connection_can_spend")
    secret = lightning_wallets.spending.partition("secret=")[2].partition("&")[0].encode()
    assert len(secret) == 64
    assert secret not in got.body
    kept = [path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert not any(secret in content for content in kept)


async def test_paid_while_the_gateway_is_down(
    folder: tuple[Settings, str], lightning_wallets: LightningHarness
) -> None:
    """The notice is gone for ever; the next start looks the invoice up."""
    async with started(folder[0], SimulatedChain(), folder[1]) as harness:
        await connect(harness, lightning_wallets)
        sold = await harness.sell(file_for_sale())
        claim, purchase = await harness.begin(sold.file_id)
        invoice = await harness.lightning_invoice(purchase)
    await asyncio.to_thread(lightning_wallets.buyer.pay, invoice)
    async with started(folder[0], SimulatedChain(), folder[1]) as harness:
        await harness.state(purchase, "settled")
        assert (await harness.call("GET", "/share", claim)).status == 200


async def test_eight_buyers_at_once(harness: GatewayHarness, lightning_wallets: LightningHarness) -> None:
    """Each gets an address at once, and an invoice of their own within the time limit."""
    await connect(harness, lightning_wallets)
    sold = await harness.sell(file_for_sale())
    began = time.monotonic()
    purchases = [purchase for _, purchase in await asyncio.gather(*[harness.begin(sold.file_id) for _ in range(8)])]
    assert time.monotonic() - began < 5
    invoices = await asyncio.gather(*[harness.lightning_invoice(purchase) for purchase in purchases])
    assert len(set(invoices)) == 8
