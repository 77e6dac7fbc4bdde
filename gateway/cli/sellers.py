"""``bitcache sellers``: its options; the work is in sellers_run.py."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.invite import JsonOption
from gateway.cli.serve import DEFAULT_CONFIG, ConfigOption


def sellers_command(
    most: Annotated[int, typer.Option(min=1, max=100_000, help="How many, those with the most bytes first.")] = 50,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Show who sells here, what they keep and what they sold. The gateway may be running."""
    from gateway.cli import sellers_run  # Bitcoin's libraries load only where they are needed

    sellers_run.show_sellers(config, most, as_json)
