"""``bitcache rescan``: its options; the work is in rescan_run.py."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.serve import DEFAULT_CONFIG, ConfigOption


def rescan_command(
    start: Annotated[
        int,
        typer.Option(
            "--from",
            min=1,
            metavar="HEIGHT",
            help="The first block to read again; lower, where the ledger left the chain below.",
        ),
    ],
    apply: Annotated[bool, typer.Option("--apply", help="Correct the ledger; else nothing is changed.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on the last line of stdout.")] = False,
) -> None:
    """Read the chain again from a block on, and compare the payments. The gateway must be stopped.

    Says every difference before anything is changed, and changes something with --apply alone.
    """
    from gateway.cli import rescan_run  # Bitcoin's libraries load only where they are needed

    rescan_run.start(config, start, apply, as_json)
