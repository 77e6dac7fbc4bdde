"""Lightning invoices a second, and what dead wallets cost the others: ``python -m bench.lightning_invoices``.

First 64 buyers, each asking for the next invoice once the last is there; the wallet answers after 50 ms, with invoices
that were signed before, so that what is measured is the gateway.  Then the purchases a second of a seller who is paid
on the chain: alone, and beside 100 sellers with open invoices whose wallets have died and who are asked for ten more
each second.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from contextlib import suppress

from bench.lightning_sellers import (
    BUYERS,
    GatewayHarness,
    begin,
    file_for_sale,
    gateway,
    seller_with_wallet,
    with_invoice,
)
from bitcache.identifiers import FileId
from bitcache.money import Sat
from wallet.lightning.lightning_wallet import MadeInvoice
from wallet.lightning.simulated_lightning import SimulatedLightning

DELAY_SECONDS = 0.05
DEAD_SELLERS, DEAD_SECONDS, DEAD_BUYERS_A_SECOND = 100, 5.0, 10


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--invoices", type=int, default=3200)
    options = parser.parse_args()
    rates = asyncio.run(invoices_a_second(options.rounds, options.invoices))
    sys.stdout.write(f"lightning.create_c64 {statistics.median(rates):.0f} a second (median of {rates})\n")
    alone, beside = asyncio.run(beside_dead_wallets(options.rounds, options.invoices))
    share = statistics.median(beside) / statistics.median(alone)
    sys.stdout.write(f"lightning.dead_sellers {share:.2f} of the purchases a second ({alone} alone, {beside} beside)\n")


async def invoices_a_second(rounds: int, invoices: int) -> list[int]:
    """Return the rate of each round."""
    async with gateway() as harness:
        file_id, wallet = await seller_with_wallet(harness, 1)
        rates = []
        for _ in range(rounds):
            await sign_before(wallet, invoices)
            wallet.delay = DELAY_SECONDS
            rates.append(await rate(invoices, lambda address: with_invoice(harness, file_id, address)))
        return rates


async def sign_before(wallet: SimulatedLightning, count: int) -> None:
    """Have the wallet hand out invoices that are ready."""
    sign = SimulatedLightning.make_invoice
    wallet.delay = 0.0
    ready = [await sign(wallet, Sat(1), expiry_seconds=600, description="Bitcache") for _ in range(count)]

    async def hand_out(amount: Sat, *, expiry_seconds: int, description: str) -> MadeInvoice:
        await asyncio.sleep(wallet.delay)
        return ready.pop()

    wallet.make_invoice = hand_out  # type: ignore[method-assign]


async def beside_dead_wallets(rounds: int, purchases: int) -> tuple[list[int], list[int]]:
    """Return the rates alone and beside dead wallets, in turn, each on a fresh gateway."""
    alone, beside = [], []
    for _ in range(rounds):
        alone.append(await on_chain_rate(purchases, 0))
        beside.append(await on_chain_rate(purchases, DEAD_SELLERS))
    return alone, beside


async def on_chain_rate(purchases: int, dead_sellers: int) -> int:
    """Return the purchases a second of a seller who is paid on the chain, beside so many others."""
    async with gateway() as harness:
        on_chain = (await harness.sell(file_for_sale())).file_id
        dead = [await dying_seller(harness, number + 1) for number in range(dead_sellers)]
        buying = asyncio.create_task(keep_buying(harness, dead))
        await asyncio.sleep(2 * DEAD_SECONDS)
        measured = await rate(purchases, lambda _: begin(harness, on_chain))
        buying.cancel()
        with suppress(asyncio.CancelledError):
            await buying
        return measured


async def dying_seller(harness: GatewayHarness, number: int) -> FileId:
    """Return what a seller sells whose wallet dies with an invoice open: it fails every question after five seconds."""
    file_id, wallet = await seller_with_wallet(harness, number)
    await with_invoice(harness, file_id, f"10.0.{number}.1")
    wallet.down, wallet.delay = True, DEAD_SECONDS
    return file_id


async def keep_buying(harness: GatewayHarness, files: list[FileId]) -> None:
    """Begin purchases of the dead wallets' sellers in turn."""
    while files:
        for file_id in files:
            await begin(harness, file_id)
            await asyncio.sleep(1 / DEAD_BUYERS_A_SECOND)


async def rate(count: int, once) -> int:  # type: ignore[no-untyped-def]
    """Return how often a second 64 buyers get through ``once``, each at an address of their own."""

    async def buyer(number: int) -> None:
        for _ in range(count // BUYERS):
            await once(f"10.{number}.0.1")

    began = time.perf_counter()
    await asyncio.gather(*[buyer(number) for number in range(BUYERS)])
    return round(count // BUYERS * BUYERS / (time.perf_counter() - began))


if __name__ == "__main__":
    main()
