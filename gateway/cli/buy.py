"""``bitcache buy``: its options; the work is in buy_run.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.sell import InsecureOption


def buy_command(
    link: Annotated[str, typer.Argument(help="The buyer's or an access link; - reads it from stdin.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File or folder to write to.")] = None,
    timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds to wait for the payment, and for its blocks.")
    ] = 7200,
    force: Annotated[bool, typer.Option("--force", help="Replace the output if it is there.")] = False,
    pay_rest: Annotated[
        bool, typer.Option("--pay-rest", help="Pay what an access link's purchase lacks, though others may hold it.")
    ] = False,
    wallet: Annotated[
        str | None,
        typer.Option(help="Pay by Lightning from your own wallet: nwc; its connection is in BITCACHE_NWC."),
    ] = None,
    wallet_file: Annotated[
        Path | None, typer.Option(help="The file with the wallet's connection, readable by you alone.")
    ] = None,
    max_sat: Annotated[int | None, typer.Option(min=1, help="The most that the wallet may be asked to pay.")] = None,
    state_dir: Annotated[
        Path | None, typer.Option(help="Where claims are remembered; ~/.local/state/bitcache by default.")
    ] = None,
    insecure_http: InsecureOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on the last line of stdout.")] = False,
) -> None:
    """Buy what LINK sells: pay with any Bitcoin wallet, get the opened file.

    A link on the command line is visible to other users of this machine while the command runs;
    "bitcache buy -" reads it from stdin instead. Run the same command again to go on after any interruption.
    """
    from gateway.cli import buy_run  # the client's libraries load only where they are needed

    paying = buy_run.Wallet.of(wallet, wallet_file, max_sat)
    options = {"timeout": timeout, "force": force, "pay_rest": pay_rest}
    buy_run.start(link, output, state_dir, paying, insecure_http=insecure_http, as_json=as_json, **options)
