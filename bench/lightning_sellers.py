"""Sellers with simulated Lightning wallets, and their buyers, in this process: for the benchmarks of Lightning."""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import structlog

TESTS = Path(__file__).parent.parent / "tests"
sys.path.append(str(TESTS / "gateway"))
sys.path.append(str(TESTS))

from gateway_harness import GatewayHarness, settings_in, started  # noqa: E402
from sales import file_for_sale  # noqa: E402
from support.accounts import descriptor  # noqa: E402

from bitcache import sellers  # noqa: E402
from bitcache.identifiers import FileId, claim_hash, new_secret, token_hash  # noqa: E402
from bitcache.purchases import Purchase  # noqa: E402
from gateway.compose import check_payout, init_data_folder  # noqa: E402
from wallet.chain.simulated_chain import SimulatedChain  # noqa: E402
from wallet.lightning.simulated_lightning import SCHEME, SimulatedLightning  # noqa: E402

__all__ = ["BUYERS", "GatewayHarness", "begin", "file_for_sale", "gateway", "seller_with_wallet", "with_invoice"]

BUYERS = 64
LONGEST_SECONDS = 60
MANY = {"cap_per_listing": 10**6, "cap_per_account": 10**6, "cap_in_all": 10**6, "longest_unpaid_run": 10**6}


@asynccontextmanager
async def gateway() -> AsyncIterator[GatewayHarness]:
    """Yield a gateway whose first seller is paid on the chain; nothing is logged but errors."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_in(Path(folder), invoices=MANY)
        terms = await check_payout(settings, descriptor("wpkh"))
        token = await init_data_folder(settings, "Ada", terms=terms)
        async with started(settings, SimulatedChain(), token) as harness:
            yield harness


async def seller_with_wallet(harness: GatewayHarness, number: int) -> tuple[FileId, SimulatedLightning]:
    """Return what a new seller sells for 1 sat, and the wallet that they connected."""
    token = new_secret()
    context = harness.context
    await context.store.write(
        lambda conn: sellers.create_seller(conn, f"seller {number}", token_hash(token), context.clock())
    )
    theirs = replace(harness, token=token)
    got = await theirs.call("PUT", "/seller/connection", token, json={"connection": f"{SCHEME}wallet"})
    assert got.status == 200, got.body
    sold = await theirs.sell(file_for_sale(price_sat=1))
    wallet = await context.connections.of(f"lightning:{number}")  # type: ignore[attr-defined]
    return sold.file_id, wallet


async def begin(harness: GatewayHarness, file_id: FileId) -> Purchase:
    """Return a new purchase, as it is at once."""
    purchase, _ = await harness.context.invoice_batcher.open(file_id, claim_hash(new_secret()), None)
    return purchase


async def with_invoice(harness: GatewayHarness, file_id: FileId, address: str) -> Purchase:
    """Return a new purchase once its Lightning invoice is there: told of each change, as an open page is."""
    purchase = await begin(harness, file_id)
    context = harness.context
    with context.hub.listening(purchase.purchase_id, address) as changed:
        while b'"uri":"LIGHTNING:' not in await context.statuses.of(purchase.purchase_id):
            async with asyncio.timeout(LONGEST_SECONDS):
                await changed.wait()
            changed.clear()
    return purchase
