"""``bitcache export`` and ``bitcache import``: their options; the work is in export_run.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.invite import JsonOption
from gateway.cli.sell import TOKEN_VARIABLE, GatewayOption, InsecureOption

_SECRET = f"File with the account code or seller token; else the environment variable {TOKEN_VARIABLE}."


def export_command(
    archive: Annotated[Path, typer.Argument(help="The .zip file to write; whoever has it can open every file in it.")],
    links: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Buyers' links, one a line; the account code knows its own."),
    ] = None,
    gateway: GatewayOption = "http://127.0.0.1:8402",
    token_file: Annotated[Path | None, typer.Option(help=_SECRET)] = None,
    insecure_http: InsecureOption = False,
    as_json: JsonOption = False,
) -> None:
    """Take everything with you: files, keys, sales, in one archive that opens without a gateway."""
    from gateway.cli import export_run

    export_run.export(archive, links, gateway, token_file, insecure_http, as_json)


def import_command(
    archive: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="What bitcache export wrote.")],
    gateway: GatewayOption = "http://127.0.0.1:8402",
    token_file: Annotated[Path | None, typer.Option(help=_SECRET)] = None,
    insecure_http: InsecureOption = False,
    as_json: JsonOption = False,
) -> None:
    """Put the files of an archive on sale at another gateway, under the same ids. An import that broke goes on."""
    from gateway.cli import export_run

    export_run.import_archive(archive, gateway, token_file, insecure_http, as_json)
