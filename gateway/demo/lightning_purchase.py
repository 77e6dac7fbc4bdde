"""One whole purchase by Lightning, unattended and timed: what ``bitcache demo --lightning --once`` reports."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from bitcache.money import Sat
from gateway.api.models import Purchase
from gateway.cli.console import sats, size, stamp
from gateway.client.buy_file import FinishedPurchase, buy
from gateway.client.pay_by_wallet import Payer, WalletPayment
from gateway.client.sell_file import FileToSell, sell
from gateway.client.verified_offer import VerifiedOffer, look
from gateway.compose.paying_wallet import paying_wallet
from gateway.compose.private_lightning import PrivateLightning
from gateway.demo.demonstration import Demo
from gateway.demo.sample_purchase import TIMEOUT, Timings, expect_same

ORDER = ("seal", "upload", "invoice", "pay", "paid_to_release", "download", "open")


async def lightning_purchase(
    demo: Demo, wallets: PrivateLightning, file_to_sell: FileToSell, folder: Path
) -> dict[str, Any]:
    """Seal, upload, ask for an invoice, pay it from the buyer's wallet, release, download, open, compare.

    Raise Tampered unless all is equal.
    """
    sold = await sell(demo.gateway, demo.token, demo.seed, file_to_sell)
    stamp(f"Sealed and listed: {sold.title}, {size(sold.size)}, {sats(sold.price_sat)}")
    offer, steps = await look(demo.gateway, sold.link), LightningTimings()
    async with paying_wallet(wallets.spending) as payer:
        paying = TimedPayer(payer, steps)
        bought = await buy(
            demo.gateway,
            offer,
            folder / "opened",
            folder / "buyer",
            timeout=TIMEOUT,
            observer=steps,
            payment=WalletPayment(paying, Sat(sold.price_sat)),
        )
    stamp(f"Opened: {size(bought.size)}")
    await expect_same(file_to_sell.path, bought.path)
    return _report(demo, wallets, bought, paying.payment_hash, sold.seconds | steps.seconds() | bought.seconds)


class LightningTimings(Timings):
    """When the invoice was there, paid, and taken."""

    def invoice(self, purchase: Purchase, offer: VerifiedOffer) -> None:
        """Begin to wait for the seller's wallet."""
        self.mark("asked")

    def seconds(self) -> dict[str, float]:
        """Return the waits for the two wallets and the gateway."""
        spans = {"invoice": ("asked", "paying"), "pay": ("paying", "paid"), "paid_to_release": ("paid", "released")}
        return self.spans(spans)


class TimedPayer:
    """The buyer's wallet, which says what it does."""

    def __init__(self, payer: Payer, steps: LightningTimings) -> None:
        self._payer, self._steps = payer, steps
        self.check = payer.check
        self.preimage_of = payer.preimage_of
        self.payment_hash = ""

    async def pay(self, invoice: str) -> bytes:
        """Pay as the wallet does."""
        stamp(f"Lightning invoice of the seller's Electrum: {invoice[:24]}…")
        self._steps.mark("paying")
        preimage = await self._payer.pay(invoice)
        self._steps.mark("paid")
        self.payment_hash = hashlib.sha256(preimage).hexdigest()
        stamp(f"Paid by the buyer's Electrum, payment hash {self.payment_hash}")
        return preimage


def _report(
    demo: Demo, wallets: PrivateLightning, bought: FinishedPurchase, payment_hash: str, seconds: dict[str, float]
) -> dict[str, Any]:
    return {
        "unlocked": True,
        "sha256": bought.sha256,
        "bytes": bought.size,
        "price_sat": bought.purchase.amount_sat,
        "payment_hash": payment_hash,
        "wallets": wallets.name,
        "chain": demo.chain,
        "seconds": {name: seconds[name] for name in ORDER},
    }
