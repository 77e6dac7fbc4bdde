"""What open Lightning invoices cost, and how soon a payment is noticed: ``python -m bench.lightning_lookups``.

2 000 open invoices of 200 sellers, whose simulated wallets are in this process.  After the first minute lookups
and processor time are counted; then invoices are paid behind the gateway's back, without the notification.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import time

from bench.lightning_sellers import GatewayHarness, gateway, seller_with_wallet, with_invoice
from bitcache.identifiers import PurchaseId
from wallet.lightning.simulated_lightning import SimulatedLightning

SELLERS, INVOICES_EACH = 200, 10
SETTLE_SECONDS, COUNT_SECONDS, PAID, PATIENCE_SECONDS = 60, 60, 30, 180


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settle", type=int, default=SETTLE_SECONDS, help="seconds before counting")
    asyncio.run(measure(parser.parse_args().settle))


async def measure(settle: int) -> None:
    """Open everything, count, pay."""
    async with gateway() as harness:
        opened: list[PurchaseId] = []
        for number in range(1, SELLERS + 1):
            file_id, wallet = await seller_with_wallet(harness, number)
            for _ in range(INVOICES_EACH):
                purchase = await with_invoice(harness, file_id, f"10.0.{number}.1")
                opened.append(purchase.purchase_id)
        await asyncio.sleep(settle)
        before, processor = lookups(harness), time.process_time()
        await asyncio.sleep(COUNT_SECONDS)
        counted = (lookups(harness) - before) * 60 // COUNT_SECONDS
        share = (time.process_time() - processor) / COUNT_SECONDS
        sys.stdout.write(f"lightning.open_{len(opened)} {counted} lookups a minute, {share:.0%} of one processor\n")
        waits = await paid_unseen(harness, wallet, random.Random(0).sample(opened, PAID))
        sys.stdout.write(f"noticed after {statistics.median(waits):.0f} s (median), {max(waits):.0f} s at most\n")


def lookups(harness: GatewayHarness) -> int:
    """Return the lookups since the start."""
    return sum(health.lookups for health in harness.context.connections.health().values())


async def paid_unseen(harness: GatewayHarness, wallet: SimulatedLightning, purchases: list[PurchaseId]) -> list[float]:
    """Pay these from beside, and return the seconds until each was noticed."""
    began = time.monotonic()
    other = SimulatedLightning("regtest", wallet.path, harness.clock)
    waiting = set(purchases)
    for purchase_id in waiting:
        shown = (await harness.call("GET", f"/purchases/{purchase_id}")).json
        other.pay(shown["payment_requests"][-1]["destination"])
    waits: list[float] = []
    while waiting and time.monotonic() - began < PATIENCE_SECONDS:
        for purchase_id in sorted(waiting):
            if (await harness.call("GET", f"/purchases/{purchase_id}")).json["state"] == "settled":
                waits.append(time.monotonic() - began)
                waiting.remove(purchase_id)
        await asyncio.sleep(0.25)
    if waiting:
        raise SystemExit(f"{len(waiting)} payments were not noticed in {PATIENCE_SECONDS} s")
    return waits


if __name__ == "__main__":
    main()
