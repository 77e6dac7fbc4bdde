"""``bitcache demo``: a private Bitcoin network, the gateway and something to buy, with nothing to set up."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

DEFAULT_FOLDER = Path(".cache") / "demo"
DEFAULT_PORT = 8402


class Chain(StrEnum):
    """What ``--chain`` takes."""

    auto = "auto"
    simulated = "simulated"


def demo_command(
    once: Annotated[bool, typer.Option("--once", help="Sell and buy one file unattended, report, and stop.")] = False,
    file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="What to sell; a sample picture by default.")
    ] = None,
    price: Annotated[str, typer.Option(metavar="SAT", help="Price in whole satoshis.")] = "2500",
    lightning: Annotated[
        bool,
        typer.Option("--lightning", help="Run two real Lightning wallets (Electrum), the seller's and the buyer's."),
    ] = False,
    chain: Annotated[Chain, typer.Option(help="auto: a real node if one can be had.")] = Chain.auto,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="8402 by default; with --once any free one.")
    ] = None,
    folder: Annotated[Path, typer.Option("--dir", help="Where the demo keeps its data.")] = DEFAULT_FOLDER,
) -> None:
    """Show everything on this machine: a private network, the gateway, a file to buy. Needs no coins."""
    from gateway.cli.command_runner import run
    from gateway.demo import command_run  # the server's libraries load only where they are needed

    asked = command_run.Asked(file, price, simulated=chain is Chain.simulated, lightning=lightning)
    if once:
        run(command_run.once(asked, port), as_json=True)
    else:
        run(command_run.stay(asked, port or DEFAULT_PORT, folder.absolute()), as_json=False)
