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
from typing import Any

from playwright.async_api import Page, async_playwright

TESTS = Path(__file__).parent.parent / "tests"
sys.path.append(str(TESTS))

from browser.browser_harness import gateway  # noqa: E402
from browser.chromium import ARGS, CHROMIUM  # noqa: E402

MEGABYTES = 300

#: Each defines a function of the page; ``file`` is made once.
PREPARE = """() => {
  globalThis.file = document.getElementById("large").files[0];
  globalThis.seconds = async (work) => { const began = performance.now(); await work(); return (performance.now() - began) / 1000; };
}"""
SELL = """async ([token]) => {
  const { sell } = await import("/static/client/sell.js");
  const { newSellerKeys } = await import("/static/sealing/manifest.js");
  const keys = await newSellerKeys(), link = { gateway: location.origin, secret: token }, nothing = () => {};
  const events = { onStarted: nothing, onProgress: nothing, onState: nothing, onRetry: (retry) => console.log("retry", JSON.stringify(retry)) };
  return seconds(() => sell({ link, file, title: "large", priceSat: 2500, preview: null, keys }, events));
}"""
PLAIN = """async ([token]) => {
  const id = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16)))).replace(/\\+/g, "-").replace(/\\//g, "_").slice(0, 22);
  const tus = { "Tus-Resumable": "1.0.0", Authorization: `Bearer ${token}` };
  const url = `/api/v1/uploads/${id}`;
  const { sealedSize } = await import("/static/sealing/cobblestone.js");
  const size = sealedSize(file.size), pad = new Blob([file, new Uint8Array(size - file.size)]);
  await fetch("/api/v1/uploads", { method: "POST", headers: { ...tus, "Upload-Length": String(size), "Upload-Metadata": `file_id ${btoa(id)}` } });
  const took = await seconds(async () => {
    for (let at = 0; at < size; at += 4 << 20) {
      const headers = { ...tus, "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(at) };
      const body = new Blob([await pad.slice(at, at + (4 << 20)).arrayBuffer()]);
      const answer = await fetch(url, { method: "PATCH", headers, body });
      if (answer.status !== 204) throw new Error(`${answer.status} ${await answer.text()}`);
    }
  });
  await fetch(url, { method: "DELETE", headers: tus });
  return took;
}"""
SEAL = """async () => {
  const { SealedFile, newSecrets } = await import("/static/sealing/seal-file.js");
  const sealed = await SealedFile.create(file, newSecrets());
  return seconds(async () => { for (let at = 0; at < sealed.size; at += 4 << 20) await sealed.read(at, Math.min(at + (4 << 20), sealed.size)); });
}"""
RAW = """async () => {
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 128 }, false, ["encrypt"]);
  return seconds(async () => {
    for (let at = 0; at < file.size; at += 1 << 20) {
      const plain = new Uint8Array(await file.slice(at, at + (1 << 20)).arrayBuffer());
      const batch = Array.from({ length: Math.ceil(plain.length / 16384) }, (_, k) =>
        crypto.subtle.encrypt({ name: "AES-GCM", iv: new Uint8Array(12) }, key, plain.subarray(k * 16384, (k + 1) * 16384)));
      await Promise.all(batch);
    }
  });
}"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--megabytes", type=int, default=MEGABYTES)
    options = parser.parse_args()
    times = asyncio.run(measure(options.rounds, options.megabytes))
    speed = {name: options.megabytes / statistics.median(took) for name, took in times.items()}
    say = sys.stdout.write
    say(
        f"upload.browser_mb_s {speed['sell']:.1f}, plain upload {speed['plain']:.1f}: {speed['sell'] / speed['plain']:.2f}\n"
    )
    say(f"seal.browser_mb_s {speed['seal']:.1f}, WebCrypto alone {speed['raw']:.1f}\n{json.dumps(times)}\n")


async def measure(rounds: int, megabytes: int) -> dict[str, list[float]]:
    """Return the seconds of each round of each."""
    times: dict[str, list[float]] = {"sell": [], "plain": [], "seal": [], "raw": []}
    with tempfile.TemporaryDirectory() as folder:
        async with gateway(Path(folder)) as harness, async_playwright() as play:
            await harness.payout()
            browser = await play.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
            page = await browser.new_page()
            page.on("console", lambda message: print("CONSOLE", message.text, flush=True))
            await page.goto(f"{harness.url}/sell")
            large = Path(folder) / "large.bin"
            large.write_bytes(os.urandom(1_000_000) * megabytes)
            await page.evaluate("document.body.insertAdjacentHTML('beforeend', '<input type=file id=large>')")
            await page.set_input_files("#large", large)
            await page.evaluate(PREPARE)
            for _ in range(rounds):
                for name, script in (("sell", SELL), ("plain", PLAIN), ("seal", SEAL), ("raw", RAW)):
                    times[name].append(round(await _seconds(page, script, [harness.token]), 2))
            await browser.close()
    return times


async def _seconds(page: Page, script: str, arguments: list[Any]) -> float:
    return float(await page.evaluate(script, arguments))


if __name__ == "__main__":
    main()
