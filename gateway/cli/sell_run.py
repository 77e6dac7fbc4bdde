"""``bitcache sell``: seal a file here, upload it, put it up for sale, print the buyer's link."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import typer

from bitcache.errors import BadInput, InvalidAmount, Unauthenticated
from bitcache.listing_limits import Limits
from bitcache.money import Sat
from bitcache.safe_names import default_title
from gateway.cli.command_runner import run
from gateway.cli.console import Bars, sats, size, stamp
from gateway.cli.sell import TOKEN_VARIABLE
from gateway.client import signing_key
from gateway.client.free_sample import read_sample
from gateway.client.gateway_client import connect
from gateway.client.private_files import read_private
from gateway.client.sell_file import FileToSell, PublishedFile, sell

#: Bytes of a description's file that are read: more than any description has.
LONGEST_TEXT_FILE = 32 * 1024


@dataclass(frozen=True, slots=True)
class About:
    """What buyers read before they pay, as the command line names it."""

    title: str | None
    preview: Path | None
    description: Path | None
    contact: str
    until: str | None
    most_sales: int | None

    def of(self, file: Path, price: Sat) -> FileToSell:
        """Return what is to be sold; raise BadInput."""
        return FileToSell(
            file,
            price,
            default_title(file.name) if self.title is None else self.title,
            read_sample(self.preview) if self.preview else None,
            read_text(self.description) if self.description else "",
            self.contact,
            Limits(parse_until(self.until) if self.until else None, self.most_sales),
        )


def read_text(path: Path) -> str:
    """Return a description's text; raise BadInput for what is none."""
    with path.open("rb") as file:
        content = file.read(LONGEST_TEXT_FILE)
    try:
        return content.decode().replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise BadInput("the description is not a UTF-8 text") from None


def start(
    file: Path,
    price: str,
    about: About,
    gateway: str,
    token_file: Path | None,
    insecure_http: bool,
    as_json: bool,
) -> None:
    """Run the command."""
    run(_sell(about.of, file, price, gateway, token_file, insecure_http, as_json), as_json)


async def _sell(
    described: Callable[[Path, Sat], FileToSell],
    file: Path,
    price: str,
    gateway: str,
    token_file: Path | None,
    insecure_http: bool,
    as_json: bool,
) -> dict[str, Any]:
    file_to_sell = described(file, parse_price(price))
    token = read_token(token_file)
    seed = signing_key.load_or_create(signing_key.default_path())
    async with connect(gateway, insecure_http=insecure_http) as client:
        with Bars() as bars:
            sold = await sell(
                client, token, seed, file_to_sell, lambda done, total: bars.update("upload", done, total), stamp
            )
    stamp(f"On sale: {sold.title}, {size(sold.size)}, {sats(sold.price_sat)}", "bold")
    if not as_json:
        typer.echo(sold.link.text())
    return summary(sold)


def parse_price(text: str) -> Sat:
    """Whole satoshis from the command line; raise InvalidAmount."""
    if not (text.isascii() and text.isdigit()):
        raise InvalidAmount("the price is not a whole number of satoshis")
    return Sat(int(text[:20]))


def parse_until(text: str) -> int:
    """Return the Unix time of a local date, at its last second, or of a date with a time; raise BadInput."""
    try:
        moment = datetime.fromisoformat(text)
        whole_day = len(text) == len("2027-05-03")
        return int((moment.replace(hour=23, minute=59, second=59) if whole_day else moment).timestamp())
    except (ValueError, OverflowError, OSError):
        raise BadInput("the end of the sale is no date", hint="Write it as 2027-05-03 or 2027-05-03T18:00.") from None


def read_token(path: Path | None) -> str:
    """Return the seller token, from a file or the environment; never from the command line, which others can see."""
    token = read_private(path, "seller token") if path else os.environ.get(TOKEN_VARIABLE, "").strip()
    if not token:
        raise Unauthenticated(
            "selling needs the seller token",
            hint=f"Set {TOKEN_VARIABLE}, or give --token-file with a file of mode 600.",
        )
    return token


def summary(sold: PublishedFile) -> dict[str, Any]:
    """Return what ``--json`` prints.  ``link`` is a secret of buyer and seller."""
    return {
        "file_id": sold.link.file_id,
        "link": sold.link.text(),
        "title": sold.title,
        "price_sat": sold.price_sat,
        "bytes": sold.size,
        "sealed_bytes": sold.sealed_size,
        "seconds": sold.seconds,
    }
