"""``bitcache init``: its options; the work is in init_run.py."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.serve import DEFAULT_CONFIG, ConfigOption


def init_command(
    config: ConfigOption = DEFAULT_CONFIG,
    descriptor: Annotated[
        str | None, typer.Option(help="Where you are paid: a public output descriptor, or an xpub or zpub.")
    ] = None,
    script_type: Annotated[
        str | None,
        typer.Option(help="Addresses of an xpub that does not say: wpkh (bc1q…), tr (bc1p…) or sh-wpkh (3…)."),
    ] = None,
    network: Annotated[
        str | None, typer.Option(help="main, test, testnet4, signet or regtest; main by default.")
    ] = None,
    chain: Annotated[
        str | None,
        typer.Option(help="bitcoind (your own node) or light (none). Unset: a node that answers on this machine."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on the last line of stdout.")] = False,
) -> None:
    """Write the settings file if there is none, make the data folder, print the seller's token once.

    Never overwrites anything. The descriptor holds public keys only; one with private keys is refused.
    """
    from gateway.cli import init_run  # Bitcoin's libraries load only where they are needed

    init_run.start(config, descriptor, script_type, network, chain, as_json)
