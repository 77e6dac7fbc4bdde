"""The commands, put together; the entry point of ``bitcache``."""

from __future__ import annotations

from typing import Annotated

import typer

from bitcache import __version__
from gateway.cli.backup import backup_command, restore_command
from gateway.cli.buy import buy_command
from gateway.cli.doctor import doctor_command
from gateway.cli.export import export_command, import_command
from gateway.cli.init import init_command
from gateway.cli.invite import invite_command, token_command
from gateway.cli.reports import dismiss_command, put_back_command, reports_command, take_down_command
from gateway.cli.rescan import rescan_command
from gateway.cli.resume_sales import resume_sales_command
from gateway.cli.sell import sell_command
from gateway.cli.sellers import sellers_command
from gateway.cli.serve import serve_command
from gateway.demo.command import demo_command

app = typer.Typer(
    name="bitcache",
    help="Sell files for bitcoin: sealed before they are uploaded, paid to your own wallet, opened by the buyer.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"bitcache {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")] = False,
) -> None:
    """Read the options of bitcache itself."""


for _name, _command in (
    ("init", init_command),
    ("serve", serve_command),
    ("sell", sell_command),
    ("buy", buy_command),
    ("demo", demo_command),
    ("doctor", doctor_command),
    ("rescan", rescan_command),
    ("resume-sales", resume_sales_command),
    ("invite", invite_command),
    ("token", token_command),
    ("sellers", sellers_command),
    ("reports", reports_command),
    ("dismiss", dismiss_command),
    ("take-down", take_down_command),
    ("put-back", put_back_command),
    ("export", export_command),
    ("import", import_command),
    ("backup", backup_command),
    ("restore", restore_command),
):
    app.command(_name)(_command)


def main() -> None:
    """Run the console script."""
    app()


if __name__ == "__main__":
    main()
