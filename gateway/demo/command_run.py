"""The demo's two ways to run: until it is stopped, for people; and once, for programs."""

from __future__ import annotations

import asyncio
import html
import shlex
import socket
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from bitcache import money
from bitcache.errors import BadInput
from gateway.cli.console import console, sats, stamp
from gateway.cli.sell_run import parse_price
from gateway.client.free_sample import read_sample
from gateway.client.private_files import write_private
from gateway.client.sell_file import FileToSell, PublishedFile, sell
from gateway.compose import bitcoind_program, electrum_programs
from gateway.config.settings import Log
from gateway.demo.demonstration import Demo, demonstration
from gateway.demo.lightning_purchase import lightning_purchase
from gateway.demo.sample_purchase import whole_purchase
from gateway.diagnostics import logs

SAMPLE = Path(__file__).parent / "sample"

_REGTEST = "A private Bitcoin network (regtest) on {chain}: real software, real blocks, coins without value."
_WALLETS = (
    "{wallets} as the seller's Lightning wallet, which the gateway may only ask for invoices, and as the buyer's; a "
    "channel between them, and a Nostr relay, all on this machine."
)
_SIMULATED = "SIMULATED CHAIN: no Bitcoin node is running here, and every payment is a pretence."


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options ask for."""

    file: Path | None
    price: str
    simulated: bool
    lightning: bool

    def to_sell(self) -> FileToSell:
        """Return what is sold; raise BadInput for a price that cannot be paid."""
        dust = 1 if self.lightning else money.DUST["wpkh"]  # else the demo wallet pays on the chain
        asked = money.price(parse_price(self.price), dust=dust)
        if self.file is not None:
            return FileToSell(self.file, asked, self.file.name)
        sample = SAMPLE / "dusk-over-the-hills.png"
        return FileToSell(sample, asked, "Dusk over the hills", read_sample(SAMPLE / "preview.png"))


@dataclass(frozen=True, slots=True)
class Programs:
    """What is run: ``node`` None: a simulation; ``wallets`` None: a simulated Lightning wallet."""

    node: Path | None
    wallets: Path | None


async def once(asked: Asked, port: int | None) -> dict[str, Any]:
    """Sell and buy one file in a temporary folder; returns the report."""
    file_to_sell, programs = asked.to_sell(), await _programs(asked)
    with tempfile.TemporaryDirectory(prefix="bitcache-demo-") as temporary:
        folder = Path(temporary)
        async with demonstration(folder, programs.node, port or _free_port(), programs.wallets, stamp) as demo:
            _banner(demo)
            if demo.lightning is not None:
                return await lightning_purchase(demo, demo.lightning, file_to_sell, folder)
            return await whole_purchase(demo, file_to_sell, folder)


async def stay(asked: Asked, port: int, folder: Path) -> dict[str, Any]:
    """Put one file up for sale and serve until interrupted."""
    _refuse_busy(port)
    file_to_sell, programs = asked.to_sell(), await _programs(asked)
    async with demonstration(folder, programs.node, port, programs.wallets, stamp) as demo:
        sold = await sell(demo.gateway, demo.token, demo.seed, file_to_sell)
        _banner(demo)
        _tell(demo, sold, folder)
        with suppress(asyncio.CancelledError):  # being stopped is how a demo ends
            await asyncio.Event().wait()
        console.print("Stopping …")
    return {}


async def _programs(asked: Asked) -> Programs:
    """Find or fetch what is asked for; raise BadInput where --lightning cannot be had."""
    logs.configure(Log(level="warning"))
    if asked.simulated and asked.lightning:
        raise BadInput("real Lightning wallets need a real node", hint="Leave out --chain simulated, or --lightning.")
    if asked.simulated:
        return Programs(None, None)
    console.print("Looking for a Bitcoin node to run (the first time it is fetched) …", style="dim")
    node = await asyncio.to_thread(bitcoind_program)
    if not asked.lightning:
        return Programs(node, None)
    if node is None:
        raise BadInput(
            "real Lightning wallets need a real node, and none can be had here",
            hint="Install Bitcoin Core and set BITCOIND=/path/to/bitcoind, or leave out --lightning.",
        )
    console.print("Looking for Electrum (the first time it is fetched, for about a minute) …", style="dim")
    return Programs(node, await asyncio.to_thread(electrum_programs))


def _banner(demo: Demo) -> None:
    if demo.context.simulated:
        console.print(f"\n  {_SIMULATED}  ", style="bold black on yellow")
    else:
        console.print(f"\n{_REGTEST.format(chain=demo.chain)}", style="dim")
    if demo.lightning is not None:
        console.print(_WALLETS.format(wallets=demo.lightning.name), style="dim")


def _tell(demo: Demo, sold: PublishedFile, folder: Path) -> None:
    """Print what to open, what to embed, how to stop: the result, so it goes to stdout."""
    link, base = sold.link.text(), demo.gateway.base
    label = html.escape(f"Buy “{sold.title}” for {sats(sold.price_sat)}")
    typer.echo(
        f"""
The buyer's page; pay with the demo wallet:
  {link}
{_by_command(demo, link, sold.price_sat, folder)}
The seller's page; sign in with {demo.token}
  {base}/sell

On any website:
  <script type="module" src="{base}/bitcache-pay.js"></script>
  <bitcache-pay><a href="{html.escape(link)}">{label}</a></bitcache-pay>

Ctrl-C stops everything."""
    )


def _by_command(demo: Demo, link: str, price_sat: int, folder: Path) -> str:
    """Return how to pay from the buyer's wallet by command, its connection in a file; nothing without such a wallet."""
    if demo.lightning is None:
        return ""
    secret = folder / "lightning" / "buyer.nwc"
    write_private(secret, demo.lightning.spending, replace=True)
    return f"""
The same from the buyer's Electrum, by Nostr Wallet Connect:
  bitcache buy --wallet nwc --wallet-file {shlex.quote(str(secret))} --max-sat {price_sat} '{link}'
"""


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
