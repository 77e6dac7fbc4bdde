"""Sealing and uploading 300 MB in Chromium over loopback: ``python -m bench.upload_browser``.

In turn in one run: a whole sale by the page's own worker code; the same bytes sent plainly to the same gateway, in
pieces of 4 MiB as Blobs, the fastest way that Chromium has; sealing alone, and as many bytes through WebCrypto in
batches of 64 chunks, with nothing around.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.async_api import async_playwright

TESTS = Path(__file__).parent.parent / "tests"
sys.path.append(str(TESTS))

from browser.browser_harness import gateway  # noqa: E402
from browser.chromium import ARGS, CHROMIUM  # noqa: E402

MEGABYTES = 300
SCRIPT = Path(__file__).with_suffix(".js")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megabytes", type=int, default=MEGABYTES)
    options = parser.parse_args()
    times = asyncio.run(measure(options.rounds, options.megabytes))
    speed = {name: options.megabytes / statistics.median(took) for name, took in times.items()}
    share = speed["sell"] / speed["plain"]
    sys.stdout.write(f"upload.browser_mb_s {speed['sell']:.1f}, plain upload {speed['plain']:.1f}: {share:.2f}\n")
    sys.stdout.write(
        f"seal.browser_mb_s {speed['seal']:.1f}, WebCrypto alone {speed['raw']:.1f}\n{json.dumps(times)}\n"
    )


async def measure(rounds: int, megabytes: int) -> dict[str, list[float]]:
    """Return the seconds of each round of each."""
    times: dict[str, list[float]] = {"sell": [], "plain": [], "seal": [], "raw": []}
    with tempfile.TemporaryDirectory() as folder:
        async with gateway(Path(folder)) as harness, async_playwright() as play:
            await harness.payout()
            browser = await play.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
            page = await browser.new_page()
            await page.goto(f"{harness.url}/sell")
            large = Path(folder) / "large.bin"
            large.write_bytes(os.urandom(1_000_000) * megabytes)
            await page.evaluate("document.body.insertAdjacentHTML('beforeend', '<input type=file id=large>')")
            await page.set_input_files("#large", large)
            await page.evaluate(f"globalThis.bench = {SCRIPT.read_text()}")
            for _ in range(rounds):
                for name in times:
                    took = await page.evaluate("([name, token]) => bench[name](token)", [name, harness.token])
                    times[name].append(round(took, 2))
            await browser.close()
    return times


if __name__ == "__main__":
    main()
