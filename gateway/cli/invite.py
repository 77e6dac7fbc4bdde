"""``bitcache invite`` and ``bitcache token``: their options; the work is in invite_run.py."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.serve import DEFAULT_CONFIG, ConfigOption

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on the last line of stdout.")]


def invite_command(
    days: Annotated[int, typer.Option(min=1, max=365, help="How long it can be used.")] = 7,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Print a link with which one new seller can sign up. The gateway may be running."""
    from gateway.cli import invite_run  # Bitcoin's libraries load only where they are needed

    invite_run.invite(config, days, as_json)


def token_command(
    name: Annotated[str, typer.Argument(help="What its seller will recognise it by.")],
    seller: Annotated[str | None, typer.Option(help="Whose; needed where there is more than one seller.")] = None,
    scope: Annotated[str, typer.Option(help="read: see listings and sales. sell: upload and publish, too.")] = "sell",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Print a new token for a program of a seller's, this once. The gateway may be running."""
    from gateway.cli import invite_run

    invite_run.token(config, name, seller, scope, as_json)
