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

from bitcache import money
from bitcache.errors import BadInput
from gateway.cli.console import console, sats
from gateway.cli.sell_run import parse_price
from gateway.client.sell_file import FileToSell, PublishedFile, read_preview, sell
from gateway.compose import bitcoind_program
from gateway.config.settings import Log
from gateway.demo.demonstration import Demo, demonstration
from gateway.demo.sample_purchase import whole_purchase
from gateway.diagnostics import logs

SAMPLE = Path(__file__).parent / "sample"

_REGTEST = "A private Bitcoin network (regtest) on {chain}: real software, real blocks, coins without value."
_SIMULATED = "SIMULATED CHAIN: no Bitcoin node is running here, and every payment is a pretence."


async def once(file: Path | None, price: str, simulated: bool, port: int | None) -> dict[str, Any]:
    """Sell and buy one file in a temporary folder; returns the report."""
    file_to_sell, program = await _prepared(file, price, simulated)
    with tempfile.TemporaryDirectory(prefix="bitcache-demo-") as temporary:
        folder = Path(temporary)
        async with demonstration(folder, program, port or _free_port()) as demo:
            _banner(demo)
            return await whole_purchase(demo, file_to_sell, folder)


async def stay(file: Path | None, price: str, simulated: bool, port: int, folder: Path) -> dict[str, Any]:
    """Put one file up for sale and serve until interrupted."""
    _refuse_busy(port)
    file_to_sell, program = await _prepared(file, price, simulated)
    async with demonstration(folder, program, port) as demo:
        sold = await sell(demo.gateway, demo.token, demo.seed, file_to_sell)
        _banner(demo)
        _tell(demo, sold)
        with suppress(asyncio.CancelledError):  # being stopped is how a demo ends
            await asyncio.Event().wait()
        console.print("Stopping …")
    return {}


async def _prepared(file: Path | None, price: str, simulated: bool) -> tuple[FileToSell, Path | None]:
    """Return what is sold, and the node's program (None: simulate)."""
    logs.configure(Log(level="warning"))
    file_to_sell = _offer(file, price)
    if simulated:
        return file_to_sell, None
    console.print("Looking for a Bitcoin node to run (the first time it is fetched) …", style="dim")
    return file_to_sell, await asyncio.to_thread(bitcoind_program)


def _offer(file: Path | None, price: str) -> FileToSell:
    asked = money.price(parse_price(price), dust=money.DUST["wpkh"])  # the demo wallet pays on the chain
    if file is not None:
        return FileToSell(file, asked, file.name)
    sample = SAMPLE / "dusk-over-the-hills.png"
    return FileToSell(sample, asked, "Dusk over the hills", read_preview(SAMPLE / "preview.png"))


def _banner(demo: Demo) -> None:
    if demo.context.simulated:
        console.print(f"\n  {_SIMULATED}  ", style="bold black on yellow")
    else:
        console.print(f"\n{_REGTEST.format(chain=demo.chain)}", style="dim")


def _tell(demo: Demo, sold: PublishedFile) -> None:
    """Print what to open, what to embed, how to stop: the result, so it goes to stdout."""
    link, base = sold.link.text(), demo.gateway.base
    label = html.escape(f"Buy “{sold.title}” for {sats(sold.price_sat)}")
    typer.echo(
        f"""
The buyer's page; pay with the demo wallet:
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
