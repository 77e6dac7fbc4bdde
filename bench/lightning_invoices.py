"""Lightning invoices a second, of a wallet that answers after 50 ms: ``python -m bench.lightning_invoices``.

Sixty-four buyers, each asking for the next invoice once the last is there.  The wallet is the simulated one, in this
process: what it costs to make and sign its invoices is printed beside the figure.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import statistics
import sys
import tempfile
import time
from pathlib import Path

import structlog

TESTS = Path(__file__).parent.parent / "tests"
sys.path.append(str(TESTS / "gateway"))
sys.path.append(str(TESTS))

from gateway_harness import GatewayHarness, settings_in, started  # noqa: E402
from sales import file_for_sale  # noqa: E402

from bitcache.identifiers import FileId, claim_hash, new_secret  # noqa: E402
from bitcache.money import Sat  # noqa: E402
from gateway.compose import init_data_folder  # noqa: E402
from wallet.chain.simulated_chain import SimulatedChain  # noqa: E402
from wallet.lightning.simulated_lightning import SCHEME, SimulatedLightning  # noqa: E402

BUYERS = 64
DELAY_SECONDS = 0.05
LONGEST_SECONDS = 60


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--invoices", type=int, default=1500)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder:
        rates, alone = asyncio.run(measure(Path(folder), options.rounds, options.invoices))
    sys.stdout.write(f"lightning.create_c64 {statistics.median(rates):.0f} a second (median of {rates})\n")
    sys.stdout.write(f"the simulated wallet alone, without its delay: {alone:.0f} a second\n")


async def measure(folder: Path, rounds: int, invoices: int) -> tuple[list[int], float]:
    """Return the rate of each round, and the wallet's own."""
    settings = settings_in(folder)
    token = await init_data_folder(settings, "Ada")
    async with started(settings, SimulatedChain(), token) as harness:
        connection = {"connection": f"{SCHEME}wallet"}
        assert (await harness.call("PUT", "/seller/connection", token, json=connection)).status == 200
        wallet = await harness.context.connections.of("lightning:1")  # type: ignore[attr-defined]
        alone = await wallet_alone(wallet)
        wallet.delay = DELAY_SECONDS
        file_id = (await harness.sell(file_for_sale(price_sat=1))).file_id
        return [await one_round(harness, file_id, invoices) for _ in range(rounds)], alone


async def one_round(harness: GatewayHarness, file_id: FileId, invoices: int) -> int:
    """Return the invoices a second."""
    began = time.perf_counter()
    async with asyncio.timeout(LONGEST_SECONDS):
        await asyncio.gather(
            *[buyer(harness, file_id, f"10.{number}.0.1", invoices // BUYERS) for number in range(BUYERS)]
        )
    return round(invoices // BUYERS * BUYERS / (time.perf_counter() - began))


async def buyer(harness: GatewayHarness, file_id: FileId, address: str, invoices: int) -> None:
    """Ask for so many, one after the other, as an open page does: told of each change, then reading."""
    context = harness.context
    for _ in range(invoices):
        purchase, _ = await context.invoice_batcher.open(file_id, claim_hash(new_secret()), None)
        with context.hub.listening(purchase.purchase_id, address) as changed:
            while b'"uri":"LIGHTNING:' not in await context.statuses.of(purchase.purchase_id):
                await changed.wait()
                changed.clear()


async def wallet_alone(wallet: SimulatedLightning) -> float:
    """Return how many invoices a second the wallet makes, asked one after the other."""
    count, began = 200, time.perf_counter()
    for _ in range(count):
        await wallet.make_invoice(Sat(1), expiry_seconds=600, description="Bitcache")
    return count / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
