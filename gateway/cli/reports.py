"""``bitcache reports``, ``dismiss``, ``take-down`` and ``put-back``: their options; the work is in reports_run.py."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.invite import JsonOption
from gateway.cli.serve import DEFAULT_CONFIG, ConfigOption

FileArgument = Annotated[str, typer.Argument(help="The file's id, or any link to it.")]


def reports_command(
    closed: Annotated[bool, typer.Option("--closed", help="Those that were decided, and every action.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Show what visitors reported. The gateway may be running. A link is shown where the reporter disclosed it."""
    from gateway.cli import reports_run  # Bitcoin's libraries load only where they are needed

    reports_run.show(config, closed, as_json)


def dismiss_command(
    number: Annotated[int, typer.Argument(min=1, help="The report's number.")],
    reason: Annotated[str, typer.Option(help="Why; kept with the action.")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Close a report, and let the file be sold."""
    from gateway.cli import reports_run

    reports_run.dismiss(config, number, reason, as_json)


def take_down_command(
    file: FileArgument,
    reason: Annotated[str, typer.Option(help="Why; shown to everybody who opens the link.")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Take a file down: it is neither sold nor sent any more. Open invoices stay watched; the seller owes them back."""
    from gateway.cli import reports_run

    reports_run.take_down(config, file, reason, as_json)


def put_back_command(
    file: FileArgument,
    reason: Annotated[str, typer.Option(help="Why; kept with the action.")],
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Let a file that was taken down be sold again."""
    from gateway.cli import reports_run

    reports_run.put_back(config, file, reason, as_json)
