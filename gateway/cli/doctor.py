"""``bitcache doctor``: its options; the work is in doctor_run.py."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.serve import DEFAULT_CONFIG, ConfigOption


def doctor_command(
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on the last line of stdout.")] = False,
) -> None:
    """Look at settings, data, node, sellers and payments; change nothing. Works beside a running gateway."""
    from gateway.cli import doctor_run  # Bitcoin's libraries load only where they are needed

    doctor_run.start(config if config.exists() or config != DEFAULT_CONFIG else None, as_json)
