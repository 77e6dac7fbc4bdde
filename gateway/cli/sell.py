"""``bitcache sell``: its options; the work is in sell_run.py."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

TOKEN_VARIABLE = "BITCACHE_TOKEN"  # noqa: S105 (the name of a variable, not a token)

GatewayOption = Annotated[
    str, typer.Option("--gateway", envvar="BITCACHE_GATEWAY", help="Address of the gateway.", show_default=True)
]

InsecureOption = Annotated[
    bool,
    typer.Option(
        "--insecure-http",
        envvar="BITCACHE_INSECURE_HTTP",
        help="Take an http:// address of another machine, though others could read what is sent.",
    ),
]


def existing_path(text: str) -> Path:
    """Return what an argument names, where - alone is standard input; raise BadParameter for what cannot be read."""
    path = Path(text)
    if text == "-":
        return path
    if not path.exists():
        raise typer.BadParameter(f"'{text}' does not exist.")
    if not os.access(path, os.R_OK):
        raise typer.BadParameter(f"'{text}' is not readable.")
    return path.absolute() if path == Path("-") else path


def sell_command(
    files: Annotated[
        list[Path],
        typer.Argument(
            parser=existing_path,
            metavar="FILE...",
            help="Files to sell, each by itself; a folder becomes one uncompressed ZIP; - reads standard input.",
        ),
    ],
    price: Annotated[str, typer.Option(help="Price in whole satoshis.", metavar="SAT")],
    title: Annotated[
        str | None, typer.Option(help="Shown to buyers, for one file alone; made of its name by default.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Under which buyers save what comes from standard input.")] = None,
    preview: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="A free sample: an image, which is made small, or .txt up to 256 KiB."
        ),
    ] = None,
    description: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A text file that buyers read: paragraphs, lists, **bold**."),
    ] = None,
    contact: Annotated[str, typer.Option(help="Who sells, and how to reach you; buyers read it.")] = "",
    until: Annotated[
        str | None,
        typer.Option(
            help="On sale until the end of this day, or this time: 2027-05-03 or 2027-05-03T18:00.", metavar="DATE"
        ),
    ] = None,
    most_sales: Annotated[int | None, typer.Option(help="Sold so many times at most, and by open invoices.")] = None,
    gateway: GatewayOption = "http://127.0.0.1:8402",
    token_file: Annotated[
        Path | None, typer.Option(help=f"File with the seller token; else the environment variable {TOKEN_VARIABLE}.")
    ] = None,
    insecure_http: InsecureOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a file on stdout.")] = False,
) -> None:
    """Seal files on this machine, upload them and put them up for sale, each at the same price.

    Prints a link for each; with several, one a line, with the file behind it. One that fails is left out: the exit code
    is then that of the first that failed.
    """
    from gateway.cli import sell_run  # the client's libraries load only where they are needed

    about = sell_run.About(title, preview, description, contact, until, most_sales, name)
    sell_run.start(files, price, about, gateway, token_file, insecure_http, as_json)
