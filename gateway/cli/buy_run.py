"""``bitcache buy``: look at what a link sells, show what to pay, wait, download, open."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from bitcache.errors import BadInput
from bitcache.money import Sat, btc_text
from bitcache.safe_names import printable
from bitcache.sealing.file_link import parse_link
from gateway.api.models import Purchase
from gateway.cli.command_runner import run
from gateway.cli.console import Bars, console, plain, qr, sats, size, stamp
from gateway.client.buy_file import FinishedPurchase, PurchaseObserver, buy
from gateway.client.gateway_client import connect
from gateway.client.invoice_terms import ONCHAIN, LightningRequest, OnChainRequest, lightning_request, onchain_request
from gateway.client.lightning_request import LIGHTNING
from gateway.client.output_file import refuse_existing
from gateway.client.pay_by_wallet import WalletPayment
from gateway.client.private_files import read_private
from gateway.client.saved_purchases import default_state_dir
from gateway.client.verified_offer import VerifiedOffer, look, output_path

NWC_VARIABLE = "BITCACHE_NWC"
_SENTENCES = {
    "new": "Waiting for payment",
    "processing": "Payment received, waiting for confirmation",
    "settled": "Payment confirmed",
    "expired": "The payment request has expired; a payment is still accepted",
    "invalid": "Payment reversed by the network after release",
}


@dataclass(frozen=True, slots=True)
class Wallet:
    """The buyer's wallet, and the most that it may pay; ``file`` None: its connection is in BITCACHE_NWC."""

    file: Path | None
    max_sat: Sat

    @classmethod
    def of(cls, kind: str | None, file: Path | None, max_sat: int | None) -> Wallet | None:
        """Return what the options say; raise a usage error when they do not fit together."""
        if kind is None and file is None and max_sat is None:
            return None
        if kind != "nwc" or max_sat is None:
            raise typer.BadParameter("--wallet nwc and --max-sat belong together: how much may it be asked to pay?")
        return cls(file, Sat(max_sat))

    def connection(self) -> str:
        """Return the secret connection, from a file or the environment; never from the command line."""
        text = read_private(self.file, "wallet connection") if self.file else os.environ.get(NWC_VARIABLE, "").strip()
        if not text:
            raise BadInput("there is no wallet connection", hint=f"Put it into {NWC_VARIABLE} or a --wallet-file.")
        return text


def start(
    link: str, output: Path | None, state_dir: Path | None, wallet: Wallet | None, *, as_json: bool, **how: Any
) -> None:
    """Run the command."""
    run(_buy(link, output, state_dir or default_state_dir(), wallet, as_json=as_json, **how), as_json)


async def _buy(
    text: str, output: Path | None, state_dir: Path, wallet: Wallet | None, *, as_json: bool, **how: Any
) -> dict[str, Any]:
    link = parse_link(sys.stdin.readline() if text == "-" else text)
    async with connect(link.gateway, insecure_http=how.pop("insecure_http")) as client, _payment(wallet) as payment:
        offer = await look(client, link)
        target = output_path(offer, output)
        refuse_existing(target, how["force"])
        with Bars() as bars:
            terminal = Terminal(bars)
            bought = await buy(client, offer, target, state_dir, observer=terminal, payment=payment, **how)
    stamp(f"Opened: {bought.path} ({size(bought.size)})", "bold green")
    if not as_json:
        typer.echo(bought.path)
    return summary(bought)


@asynccontextmanager
async def _payment(wallet: Wallet | None) -> AsyncIterator[WalletPayment | None]:
    if wallet is None:
        yield None
        return
    from gateway.compose.paying_wallet import paying_wallet  # its libraries load only where a wallet pays

    async with paying_wallet(wallet.connection()) as payer:
        yield WalletPayment(payer, wallet.max_sat)


class Terminal(PurchaseObserver):
    """A purchase on the terminal: the QR code first, then one line for each thing that happened."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._shown: tuple[object, ...] = ()
        self._lightning_shown: LightningRequest | None = None

    def note(self, text: str) -> None:
        """Print a line."""
        stamp(f"Note: {text}")

    def invoice(self, purchase: Purchase, offer: VerifiedOffer) -> None:
        """Print what is sold, and what to pay."""
        console.print()
        console.print(plain(offer.metadata.title), style="bold")
        console.print(plain(f"{offer.metadata.name} · {size(offer.metadata.size)}"), style="dim")
        if offer.metadata.contact:
            console.print(plain(f"Sold by {offer.metadata.contact}"), style="dim")
        if offer.metadata.description:
            console.print()
            console.print(plain(offer.metadata.description))
        if purchase.released or not purchase.due_sat:
            return
        console.print()
        to_pay = onchain_request(purchase)
        if to_pay is None:
            stamp("Waiting for the seller's Lightning wallet")
        else:
            self._on_chain(purchase, to_pay, offer.file.onchain_fee_sat)
        self._lightning(purchase)
        until = time.strftime("%H:%M", time.localtime(purchase.expires_at))
        console.print(plain(f"  network: {printable(purchase.network)} · open until {until}\n"), style="dim")

    def _on_chain(self, purchase: Purchase, to_pay: OnChainRequest, fee_sat: int | None) -> None:
        uri, asked = to_pay.uri, to_pay.payable_sat
        console.print(qr(uri))
        console.print(plain(f"\n  Pay {sats(asked)} ({btc_text(asked)} BTC)"), style="bold")
        if asked > purchase.due_sat:
            console.print(
                plain(f"  {sats(purchase.due_sat)} are missing; the network carries no payment under {sats(asked)}")
            )
        if fee_sat is not None:
            console.print(plain(f"  and about {sats(fee_sat)} for the network, as your wallet shows"), style="dim")
        console.print(plain(f"  to {to_pay.address}"))
        console.print(plain(f"  {uri}"), style="dim", soft_wrap=True)

    def _lightning(self, purchase: Purchase) -> None:
        """Print the Lightning invoice once the seller's wallet has made it."""
        to_pay = lightning_request(purchase, int(time.time()))
        if to_pay is None or to_pay == self._lightning_shown or not purchase.due_sat:
            return
        self._lightning_shown = to_pay
        console.print(plain(f"\n  By Lightning: {sats(to_pay.payable_sat)}"), style="bold")
        console.print(qr(to_pay.uri))
        console.print(plain(f"  {to_pay.invoice}"), style="dim", soft_wrap=True)

    def changed(self, purchase: Purchase) -> None:
        """Print a line when the state, the amount or the confirmations changed."""
        self._lightning(purchase)
        now = (purchase.state, purchase.received_sat, purchase.confirmations)
        if now != self._shown:
            self._shown = now
            stamp(_sentence(purchase))

    def progress(self, what: str, done: int, total: int) -> None:
        """Draw a bar."""
        self._bars.update(what, done, total)


def _sentence(purchase: Purchase) -> str:
    sentence = _SENTENCES[purchase.state]
    if purchase.received_sat and purchase.due_sat:
        return f"{sats(purchase.received_sat)} received, {sats(purchase.due_sat)} still to pay"
    if purchase.state == "processing":
        return f"{sentence}: {purchase.confirmations} of {purchase.confirmations_required}"
    return sentence


def summary(bought: FinishedPurchase) -> dict[str, Any]:
    """Return what ``--json`` prints; no secret in it."""
    purchase = bought.purchase
    return {
        "unlocked": True,
        "path": str(bought.path),
        "sha256": bought.sha256,
        "bytes": bought.size,
        "price_sat": purchase.amount_sat,
        "received_sat": purchase.received_sat,
        "address": on_chain.address if (on_chain := onchain_request(purchase)) else None,
        "txids": [payment.reference for payment in purchase.payments if payment.rail == ONCHAIN],
        "payment_hashes": [payment.reference for payment in purchase.payments if payment.rail == LIGHTNING],
        "confirmations": purchase.confirmations,
        "purchase_id": purchase.purchase_id,
        "seconds": bought.seconds,
    }
