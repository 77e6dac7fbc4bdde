"""The demo's two ways to run: until it is stopped, for people; and once, for programs."""

from __future__ import annotations

import asyncio
import html
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import typer

from bitcache.errors import BadInput
from gateway import logs
from gateway.cli.demo_purchase import whole_purchase
from gateway.cli.sell_run import parse_price
from gateway.cli.show import console, sats
from gateway.client.selling import Offer, Sold, read_preview, sell
from gateway.compose import bitcoind_program
from gateway.demo import Demo, demonstration
from gateway.settings import Log

SAMPLE = Path(__file__).parent / "sample"

_REGTEST = "A private Bitcoin network (regtest) on {chain}: real software, real blocks, coins without value."
_SIMULATED = "SIMULATED CHAIN: no Bitcoin node is running here, and every payment is a pretence."


async def once(file: Path | None, price: str, simulated: bool, port: int | None) -> dict[str, Any]:
    """Sell and buy one file in a temporary folder; returns the report."""
    offer, program = await _prepared(file, price, simulated)
    with tempfile.TemporaryDirectory(prefix="bitcache-demo-") as temporary:
        folder = Path(temporary)
        async with demonstration(folder, program, port or _free_port()) as demo:
            _banner(demo)
            return await whole_purchase(demo, offer, folder)


async def stay(file: Path | None, price: str, simulated: bool, port: int, folder: Path) -> dict[str, Any]:
    """Put one file up for sale and serve until interrupted."""
    _refuse_busy(port)
    offer, program = await _prepared(file, price, simulated)
    async with demonstration(folder, program, port) as demo:
        sold = await sell(demo.gateway, demo.token, demo.seed, offer)
        _banner(demo)
        _tell(demo, sold)
        with suppress(asyncio.CancelledError):  # being stopped is how a demo ends
            await asyncio.Event().wait()
        console.print("Stopping …")
    return {}


async def _prepared(file: Path | None, price: str, simulated: bool) -> tuple[Offer, Path | None]:
    """What is sold, and the node's program (None: simulate)."""
    logs.configure(Log(level="warning"))
    offer = _offer(file, price)
    if simulated:
        return offer, None
    console.print("Looking for a Bitcoin node to run (the first time it is fetched) …", style="dim")
    return offer, await asyncio.to_thread(bitcoind_program)


def _offer(file: Path | None, price: str) -> Offer:
    if file is not None:
        return Offer(file, parse_price(price), file.name)
    sample = SAMPLE / "dusk-over-the-hills.png"
    return Offer(sample, parse_price(price), "Dusk over the hills", read_preview(SAMPLE / "preview.png"))


def _banner(demo: Demo) -> None:
    if demo.parts.simulated:
        console.print(f"\n  {_SIMULATED}  ", style="bold black on yellow")
    else:
        console.print(f"\n{_REGTEST.format(chain=demo.chain)}", style="dim")


def _tell(demo: Demo, sold: Sold) -> None:
    """What to open, what to embed, how to stop: the result, so it goes to stdout."""
    link, base = sold.link.text(), demo.gateway.base
    label = html.escape(f"Buy “{sold.title}” for {sats(sold.price_sat)}")
    typer.echo(
        f"""
The buyer's page; pay with the demo purse:
  {link}

The seller's page; sign in with {demo.token}
  {base}/sell

On any website:
  <script type="module" src="{base}/bitcache-pay.js"></script>
  <bitcache-pay><a href="{html.escape(link)}">{label}</a></bitcache-pay>

Ctrl-C stops everything."""
    )


def _refuse_busy(port: int) -> None:
    """Before anything is fetched or started."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise BadInput(f"port {port} is in use", hint="Choose another one with --port.") from None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
