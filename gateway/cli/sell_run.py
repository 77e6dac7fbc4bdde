"""``bitcache sell``: seal files here, upload them, put them up for sale, print the buyer's links."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import typer

from bitcache.errors import BadInput, InvalidAmount, InvalidName, Unauthenticated
from bitcache.listing_limits import Limits
from bitcache.money import Sat
from bitcache.safe_names import default_title, safe_file_name
from bitcache.sealing.metadata import Preview
from gateway.cli.command_runner import guarded, run
from gateway.cli.sell import TOKEN_VARIABLE
from gateway.cli.sell_several import STANDARD_INPUT, Sale, sell_several, summary
from gateway.client import signing_key
from gateway.client.free_sample import read_sample
from gateway.client.gateway_client import connect
from gateway.client.private_files import read_private
from gateway.client.sell_file import FileToSell, name_of

#: Bytes of a description's file that are read: more than any description has.
LONGEST_TEXT_FILE = 32 * 1024


@dataclass(frozen=True, slots=True)
class About:
    """What buyers read before they pay, as the command line names it; ``name`` is that of standard input."""

    title: str | None
    preview: Path | None
    description: Path | None
    contact: str
    until: str | None
    most_sales: int | None
    name: str | None

    def of(self, files: list[Path], price: Sat) -> list[FileToSell]:
        """Return what is to be sold; raise BadInput."""
        self._refuse_unclear(files)
        preview = read_sample(self.preview) if self.preview else None
        description = read_text(self.description) if self.description else ""
        limits = Limits(parse_until(self.until) if self.until else None, self.most_sales)
        return [self._sold(file, price, preview, description, limits) for file in files]

    def _sold(self, file: Path, price: Sat, preview: Preview | None, description: str, limits: Limits) -> FileToSell:
        """Return one of them."""
        path = Path(self.name or "") if file == STANDARD_INPUT else file
        name = path.name if file == STANDARD_INPUT else name_of(file)
        title = default_title(name) if self.title is None else self.title
        return FileToSell(path, price, title, preview, description, self.contact, limits)

    def _refuse_unclear(self, files: list[Path]) -> None:
        """Refuse what can be said of one file alone, and a file without a name."""
        if self.title is not None and len(files) > 1:
            raise BadInput("a title is for one file alone", hint="Leave it out: each gets a title made of its name.")
        if files.count(STANDARD_INPUT) > 1:
            raise BadInput("standard input can be sold once")
        if STANDARD_INPUT not in files:
            if self.name is not None:
                raise BadInput("a name is for standard input alone", hint="Rename the file, or leave --name out.")
        elif not self.name:
            raise BadInput("what comes from standard input needs a name", hint="Give one: --name song.flac")
        elif safe_file_name(self.name) != self.name:
            raise InvalidName("this is no name for a file", hint="Use a plain one, without a folder: --name song.flac")


def read_text(path: Path) -> str:
    """Return a description's text; raise BadInput for what is none."""
    with path.open("rb") as file:
        content = file.read(LONGEST_TEXT_FILE)
    try:
        return content.decode().replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise BadInput("the description is not a UTF-8 text") from None


def start(
    files: list[Path],
    price: str,
    about: About,
    gateway: str,
    token_file: Path | None,
    insecure_http: bool,
    as_json: bool,
) -> None:
    """Run the command."""
    work = _sell_all(files, price, about, gateway, token_file, insecure_http, as_json)
    if len(files) == 1:
        run(work, as_json)
    elif code := guarded(work, as_json)["exit_code"]:
        raise typer.Exit(code)


async def _sell_all(
    files: list[Path],
    price: str,
    about: About,
    gateway: str,
    token_file: Path | None,
    insecure_http: bool,
    as_json: bool,
) -> dict[str, Any]:
    to_sell = about.of(files, parse_price(price))
    token = read_token(token_file)
    seed = signing_key.load_or_create(signing_key.default_path())
    async with connect(gateway, insecure_http=insecure_http) as client:
        sale = Sale(client, token, seed)
        if len(files) > 1:
            return await sell_several(sale, list(zip(files, to_sell, strict=True)), as_json)
        sold = await sale.of(files[0], to_sell[0])
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
