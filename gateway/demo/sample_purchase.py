"""One whole purchase over HTTP, unattended and timed: what ``bitcache demo --once`` reports."""

from __future__ import annotations

import asyncio
import filecmp
import time
from pathlib import Path
from typing import Any

from bitcache.errors import Tampered
from bitcache.money import Sat
from gateway.api.models import Purchase
from gateway.cli.console import sats, size, stamp
from gateway.client.buy_file import FinishedPurchase, PurchaseObserver, buy
from gateway.client.invoice_terms import onchain_request
from gateway.client.sell_file import FileToSell, sell
from gateway.client.verified_offer import VerifiedOffer, look
from gateway.demo.demonstration import Demo

TIMEOUT = 120.0


async def whole_purchase(demo: Demo, file_to_sell: FileToSell, folder: Path) -> dict[str, Any]:
    """Seal, upload, invoice, pay, mine, release, download, open, compare; raise Tampered unless all is equal."""
    sold = await sell(demo.gateway, demo.token, demo.seed, file_to_sell)
    stamp(f"Sealed and listed: {sold.title}, {size(sold.size)}, {sats(sold.price_sat)}")
    offer = await look(demo.gateway, sold.link)
    timings = Timings()
    buying = asyncio.create_task(
        buy(demo.gateway, offer, folder / "opened", folder / "buyer", timeout=TIMEOUT, observer=timings)
    )
    try:
        txid = await _pay(demo, buying, timings)
        bought = await buying
    finally:
        buying.cancel()
    stamp(f"Opened: {size(bought.size)}")
    await expect_same(file_to_sell.path, bought.path)
    return _report(demo, bought, txid, sold.seconds | timings.seconds() | bought.seconds)


async def expect_same(original: Path, opened: Path) -> None:
    """Say that both files are equal; raise Tampered when they are not."""
    if not await asyncio.to_thread(filecmp.cmp, original, opened, shallow=False):
        raise Tampered("the opened file is not the original")
    stamp("The opened file equals the original", "bold green")


class Timings(PurchaseObserver):
    """When things happened, and events to wait for."""

    def __init__(self) -> None:
        self.purchase: Purchase | None = None
        self._events = {name: asyncio.Event() for name in ("invoiced", "seen", "downloaded", "released")}
        self._times: dict[str, float] = {}

    def invoice(self, purchase: Purchase, offer: VerifiedOffer) -> None:
        """Keep the address to pay to."""
        self.purchase = purchase
        stamp(f"Invoice: {sats(purchase.amount_sat)} to {_address(purchase)}")
        self.mark("invoiced")

    def changed(self, purchase: Purchase) -> None:
        """Seen, released."""
        self.purchase = purchase
        if purchase.state != "new":
            self.mark("seen")
        if purchase.released:
            self.mark("released")

    def progress(self, what: str, done: int, total: int) -> None:
        """Find the block once the download has ended, so that the two are timed apart."""
        if what == "download" and done == total:
            self.mark("downloaded")

    def mark(self, name: str) -> None:
        """``name`` happens now, unless it has before."""
        if name not in self._times:
            self._times[name] = time.perf_counter()
            if name in self._events:
                self._events[name].set()

    async def until(self, name: str, buying: asyncio.Task[FinishedPurchase]) -> None:
        """Wait for it; a purchase that failed says why."""
        event = asyncio.ensure_future(self._events[name].wait())
        try:
            await asyncio.wait((event, buying), return_when=asyncio.FIRST_COMPLETED)
            if not event.done():
                buying.result()
        finally:
            event.cancel()

    def seconds(self) -> dict[str, float]:
        """Return the two waits for the chain."""
        return self.spans({"pay_to_seen": ("paying", "seen"), "block_to_release": ("mining", "released")})

    def spans(self, spans: dict[str, tuple[str, str]]) -> dict[str, float]:
        """Return the seconds between two marks, by name."""
        return {name: round(self._times[end] - self._times[start], 3) for name, (start, end) in spans.items()}


async def _pay(demo: Demo, buying: asyncio.Task[FinishedPurchase], timings: Timings) -> str:
    """Pay from the demo wallet and find the blocks that confirm it; returns the transaction id."""
    await timings.until("invoiced", buying)
    purchase, demo_wallet = timings.purchase, demo.context.demo_wallet
    assert purchase is not None  # invoiced
    assert demo_wallet is not None  # a demonstration has one
    timings.mark("paying")
    txid = await demo_wallet.pay(_address(purchase), Sat(purchase.amount_sat))
    await timings.until("seen", buying)
    stamp(f"Payment received: {txid}")
    await timings.until("downloaded", buying)
    timings.mark("mining")
    await demo_wallet.mine(purchase.confirmations_required)
    await timings.until("released", buying)
    stamp("Block found, file released")
    return txid


def _report(demo: Demo, bought: FinishedPurchase, txid: str, seconds: dict[str, float]) -> dict[str, Any]:
    order = ("seal", "upload", "pay_to_seen", "block_to_release", "download", "open")
    return {
        "unlocked": True,
        "sha256": bought.sha256,
        "bytes": bought.size,
        "price_sat": bought.purchase.amount_sat,
        "address": _address(bought.purchase),
        "txid": txid,
        "confirmations": bought.purchase.confirmations,
        "chain": demo.chain,
        "seconds": {name: seconds[name] for name in order},
    }


def _address(purchase: Purchase) -> str:
    on_chain = onchain_request(purchase)
    assert on_chain is not None  # the demonstration's seller is paid on the chain
    return on_chain.address
