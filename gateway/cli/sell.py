"""``bitcache sell``: its options; the work is in sell_run.py."""

from __future__ import annotations

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


def sell_command(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The file to sell.")],
    price: Annotated[str, typer.Option(help="Price in whole satoshis.", metavar="SAT")],
    title: Annotated[str | None, typer.Option(help="Shown to buyers; made of the file's name by default.")] = None,
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
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on the last line of stdout.")] = False,
) -> None:
    """Seal FILE on this machine, upload it and put it up for sale."""
    from gateway.cli import sell_run  # the client's libraries load only where they are needed

    about = sell_run.About(title, preview, description, contact, until, most_sales)
    sell_run.start(file, price, about, gateway, token_file, insecure_http, as_json)
