"""From the payer's wallet saying "paid" to the page having opened a 1 MB file, with real wallets, relay and browser.

``python -m bench.lightning_sale [--rounds N]``: two Electrum daemons, a channel, a relay, a gateway and Chromium, all
on this machine.  Prints the median of the rounds in milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from playwright.async_api import Page, async_playwright

TESTS = Path(__file__).parent.parent / "tests"
sys.path[:0] = [str(TESTS / "browser"), str(TESTS / "gateway")]
sys.path.append(str(TESTS))

from browser_harness import BrowserHarness, gateway  # noqa: E402
from chromium import ARGS, CHROMIUM  # noqa: E402
from support.lightning_harness import LightningHarness, lightning  # noqa: E402

from gateway.client.gateway_client import connect  # noqa: E402
from wallet.chain.regtest_node import RegtestNode  # noqa: E402
from wallet.lightning.electrum.electrum_programs import find_electrum  # noqa: E402

SIZE = 1_000_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    programs = find_electrum()
    with tempfile.TemporaryDirectory() as folder:
        node = apart(RegtestNode.start())
        try:
            with lightning(programs, Path(folder), node) as wallets:
                times = asyncio.run(measure(wallets, Path(folder), rounds))
        finally:
            apart(node.stop())
    sys.stdout.write(f"lightning.pay_to_open_ms {statistics.median(times):.0f} (median of {times})\n")


async def measure(wallets: LightningHarness, folder: Path, rounds: int) -> list[int]:
    """Return the milliseconds of each round; the first, which warms up, is left out."""
    async with AsyncExitStack() as stack:
        (folder / "gateway").mkdir()
        harness = await stack.enter_async_context(gateway(folder / "gateway"))
        await harness.payout()
        await connect_wallet(harness, wallets.connection)
        link = await harness.sell(os.urandom(SIZE), "bytes.bin")
        play = await stack.enter_async_context(async_playwright())
        browser = await play.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        times = []
        for _ in range(rounds + 1):
            context = await browser.new_context()
            times.append(await buy(await context.new_page(), link, harness, wallets))
            await context.close()
        await browser.close()
        return times[1:]


async def connect_wallet(harness: BrowserHarness, connection: str) -> None:
    """Connect the seller's wallet."""
    async with (
        connect(harness.url) as client,
        client.open("PUT", "/seller/connection", bearer=harness.token, json={"connection": connection}),
    ):
        return


async def buy(page: Page, link: str, harness: BrowserHarness, wallets: LightningHarness) -> int:
    """Return the milliseconds from "paid" to the opened file."""
    await page.goto(link)
    await page.get_by_role("button", name="Pay 2").click()
    await page.get_by_role("button", name="Lightning only").wait_for()
    await asyncio.to_thread(wallets.buyer.pay, await harness.invoice())
    began = time.perf_counter()
    await page.get_by_role("heading", name="Your file is ready").wait_for()
    return round(1000 * (time.perf_counter() - began))


def apart(coroutine: Any) -> Any:
    """Run a coroutine to its end in an event loop of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


if __name__ == "__main__":
    main()
