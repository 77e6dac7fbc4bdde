"""One whole purchase over HTTP, unattended and timed: what ``bitcache demo --once`` reports."""

from __future__ import annotations

import asyncio
import filecmp
import time
from pathlib import Path
from typing import Any

from bitcache.errors import Tampered
from bitcache.money import Sat
from gateway.api.models import Transfer
from gateway.cli.show import sats, size, stamp
from gateway.client.buying import Bought, Screen, buy
from gateway.client.goods import Goods, look
from gateway.client.selling import Offer, sell
from gateway.demo import Demo

TIMEOUT = 120.0


async def whole_purchase(demo: Demo, offer: Offer, folder: Path) -> dict[str, Any]:
    """Seal, upload, invoice, pay, mine, release, download, open, compare; raises Tampered unless all is equal."""
    sold = await sell(demo.gateway, demo.token, demo.seed, offer)
    stamp(f"Sealed and listed: {sold.title}, {size(sold.size)}, {sats(sold.price_sat)}")
    goods = await look(demo.gateway, sold.link)
    moments = Moments()
    purchase = asyncio.create_task(
        buy(demo.gateway, goods, folder / "opened", folder / "buyer", timeout=TIMEOUT, screen=moments)
    )
    try:
        txid = await _pay(demo, purchase, moments)
        bought = await purchase
    finally:
        purchase.cancel()
    stamp(f"Opened: {size(bought.size)}")
    if not await asyncio.to_thread(filecmp.cmp, offer.path, bought.path, shallow=False):
        raise Tampered("the opened file is not the original")
    stamp("The opened file equals the original", "bold green")
    return _report(demo, bought, txid, sold.seconds | moments.seconds() | bought.seconds)


class Moments(Screen):
    """When things happened, and events to wait for."""

    def __init__(self) -> None:
        self.transfer: Transfer | None = None
        self._events = {name: asyncio.Event() for name in ("invoiced", "seen", "downloaded", "released")}
        self._times: dict[str, float] = {}

    def invoice(self, transfer: Transfer, goods: Goods) -> None:
        """An address to pay to."""
        self.transfer = transfer
        stamp(f"Invoice: {sats(transfer.amount_sat)} to {transfer.address}")
        self.mark("invoiced")

    def changed(self, transfer: Transfer) -> None:
        """Seen, released."""
        self.transfer = transfer
        if transfer.state != "new":
            self.mark("seen")
        if transfer.released:
            self.mark("released")

    def progress(self, what: str, done: int, total: int) -> None:
        """The download ends before the block is found, so that the two are timed apart."""
        if what == "download" and done == total:
            self.mark("downloaded")

    def mark(self, name: str) -> None:
        """``name`` happens now, unless it has before."""
        if name not in self._times:
            self._times[name] = time.perf_counter()
            if name in self._events:
                self._events[name].set()

    async def until(self, name: str, purchase: asyncio.Task[Bought]) -> None:
        """Wait for it; a purchase that failed says why."""
        event = asyncio.ensure_future(self._events[name].wait())
        try:
            await asyncio.wait((event, purchase), return_when=asyncio.FIRST_COMPLETED)
            if not event.done():
                purchase.result()
        finally:
            event.cancel()

    def seconds(self) -> dict[str, float]:
        """The two waits for the chain."""
        spans = {"pay_to_seen": ("paying", "seen"), "block_to_release": ("mining", "released")}
        return {name: round(self._times[end] - self._times[start], 3) for name, (start, end) in spans.items()}


async def _pay(demo: Demo, purchase: asyncio.Task[Bought], moments: Moments) -> str:
    """Pay from the purse and find the blocks that confirm it; returns the transaction id."""
    await moments.until("invoiced", purchase)
    transfer, purse = moments.transfer, demo.parts.purse
    assert transfer is not None  # invoiced
    assert purse is not None  # a demonstration has one
    moments.mark("paying")
    txid = await purse.pay(transfer.address, Sat(transfer.amount_sat))
    await moments.until("seen", purchase)
    stamp(f"Payment seen: {txid}")
    await moments.until("downloaded", purchase)
    moments.mark("mining")
    await purse.mine(transfer.confirmations_required)
    await moments.until("released", purchase)
    stamp("Block found, file released")
    return txid


def _report(demo: Demo, bought: Bought, txid: str, seconds: dict[str, float]) -> dict[str, Any]:
    order = ("seal", "upload", "pay_to_seen", "block_to_release", "download", "open")
    return {
        "unlocked": True,
        "sha256": bought.sha256,
        "bytes": bought.size,
        "price_sat": bought.transfer.amount_sat,
        "address": bought.transfer.address,
        "txid": txid,
        "confirmations": bought.transfer.confirmations,
        "chain": demo.chain,
        "seconds": {name: seconds[name] for name in order},
    }
