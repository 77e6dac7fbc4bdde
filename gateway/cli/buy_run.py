"""``bitcache buy``: look at what a link sells, show what to pay, wait, download, open."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import typer

from bitcache.money import btc_text
from bitcache.names import printable
from bitcache.sealing.link import parse_link
from gateway.api.models import Transfer
from gateway.cli.run import run
from gateway.cli.show import Bars, console, plain, qr, sats, size, stamp
from gateway.client.bill import asked_sat, payment_uri
from gateway.client.buying import Bought, Screen, buy
from gateway.client.goods import Goods, look, output_path
from gateway.client.http import connect
from gateway.client.output import refuse_existing
from gateway.client.purchases import default_state_dir

_SENTENCES = {
    "new": "Waiting for the payment",
    "processing": "Payment seen",
    "settled": "Paid",
    "expired": "The invoice has expired; a payment that still comes counts",
    "invalid": "The payment was undone after the release",
}


def start(
    link: str,
    output: Path | None,
    timeout: float,
    force: bool,
    pay_rest: bool,
    state_dir: Path | None,
    insecure_http: bool,
    as_json: bool,
) -> None:
    """Run the command."""
    how = {"timeout": timeout, "force": force, "pay_rest": pay_rest}
    run(_buy(link, output, state_dir or default_state_dir(), insecure_http, as_json, **how), as_json)


async def _buy(
    text: str, output: Path | None, state_dir: Path, insecure_http: bool, as_json: bool, **how: Any
) -> dict[str, Any]:
    link = parse_link(sys.stdin.readline() if text == "-" else text)
    async with connect(link.gateway, insecure_http=insecure_http) as client:
        goods = await look(client, link)
        target = output_path(goods, output)
        refuse_existing(target, how["force"])
        with Bars() as bars:
            bought = await buy(client, goods, target, state_dir, screen=Terminal(bars), **how)
    stamp(f"Opened: {bought.path} ({size(bought.size)})", "bold green")
    if not as_json:
        typer.echo(bought.path)
    return summary(bought)


class Terminal(Screen):
    """A purchase on the terminal: the QR code first, then one line for each thing that happened."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._shown: tuple[object, ...] = ()

    def note(self, text: str) -> None:
        """A line."""
        stamp(f"Note: {text}")

    def invoice(self, transfer: Transfer, goods: Goods) -> None:
        """The goods, and what to pay."""
        console.print()
        console.print(plain(goods.metadata.title), style="bold")
        console.print(plain(f"{goods.metadata.name} · {size(goods.metadata.size)}"), style="dim")
        if transfer.released or not transfer.due_sat:
            return
        console.print()
        uri, asked = payment_uri(transfer), asked_sat(transfer)
        console.print(qr(uri))
        console.print(plain(f"\n  Pay {sats(asked)} ({btc_text(asked)} BTC)"), style="bold")
        if asked > transfer.due_sat:
            console.print(
                plain(f"  {sats(transfer.due_sat)} are missing; the network carries no payment under {sats(asked)}")
            )
        console.print(plain(f"  to {transfer.address}"))
        console.print(plain(f"  {uri}"), style="dim", soft_wrap=True)
        until = time.strftime("%H:%M", time.localtime(transfer.expires_at))
        console.print(plain(f"  network: {printable(transfer.network)} · open until {until}\n"), style="dim")

    def changed(self, transfer: Transfer) -> None:
        """A line when the state, the amount or the confirmations changed."""
        now = (transfer.state, transfer.received_sat, transfer.confirmations)
        if now != self._shown:
            self._shown = now
            stamp(_sentence(transfer))

    def progress(self, what: str, done: int, total: int) -> None:
        """A bar."""
        self._bars.update(what, done, total)


def _sentence(transfer: Transfer) -> str:
    sentence = _SENTENCES[transfer.state]
    if transfer.received_sat and transfer.due_sat:
        return f"{sats(transfer.received_sat)} arrived, {sats(transfer.due_sat)} still missing"
    if transfer.state == "processing":
        return f"{sentence}: {transfer.confirmations} of {transfer.confirmations_required} blocks"
    return sentence


def summary(bought: Bought) -> dict[str, Any]:
    """What ``--json`` prints; no secret in it."""
    transfer = bought.transfer
    return {
        "unlocked": True,
        "path": str(bought.path),
        "sha256": bought.sha256,
        "bytes": bought.size,
        "price_sat": transfer.amount_sat,
        "received_sat": transfer.received_sat,
        "address": transfer.address,
        "txids": transfer.txids,
        "confirmations": transfer.confirmations,
        "transfer_id": transfer.transfer_id,
        "seconds": bought.seconds,
    }
