"""Sales one after the other: a line of result each, and those that fail undo nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from bitcache.errors import BitcacheError
from bitcache.safe_names import printable
from gateway.cli.command_runner import exit_code, from_system, tell
from gateway.cli.console import Bars, sats, size, stamp
from gateway.cli.standard_input import read_standard_input
from gateway.client.gateway_client import GatewayClient
from gateway.client.sell_file import FileToSell, PublishedFile, sell

STANDARD_INPUT = Path("-")


@dataclass(frozen=True, slots=True)
class Sale:
    """Who sells, and where."""

    client: GatewayClient
    token: str
    seed: bytes

    async def of(self, file: Path, to_sell: FileToSell) -> PublishedFile:
        """Sell what the command line calls ``file``; raise what :func:`sell` raises."""
        source = await read_standard_input() if file == STANDARD_INPUT else None
        with Bars() as bars:
            sold = await sell(
                self.client,
                self.token,
                self.seed,
                to_sell,
                lambda done, total: bars.update("upload", done, total),
                stamp,
                source,
            )
        stamp(f"On sale: {sold.title}, {size(sold.size)}, {sats(sold.price_sat)}", "bold")
        return sold


async def sell_several(sale: Sale, wanted: list[tuple[Path, FileToSell]], as_json: bool) -> dict[str, Any]:
    """Sell each, print its line, and return the ``exit_code``: 0, or that of the first that failed."""
    failed: list[tuple[Path, BitcacheError]] = []
    for file, to_sell in wanted:
        try:
            sold = await sale.of(file, to_sell)
        except (BitcacheError, OSError) as raised:
            error = from_system(raised) if isinstance(raised, OSError) else raised
            failed.append((file, error))
            stamp(f"Not on sale: {file}", "bold red")
            tell(error, as_json, file=str(file))
            continue
        described = {"file": str(file), **summary(sold)}
        typer.echo(json.dumps(described) if as_json else f"{sold.link.text()}\t{printable(file)}")
    stamp(_told(len(wanted), failed), "bold")
    return {"exit_code": exit_code(failed[0][1]) if failed else 0}


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


def _told(count: int, failed: list[tuple[Path, BitcacheError]]) -> str:
    """Return the sentence that ends it."""
    done = f"{count - len(failed)} of {count} on sale"
    return done + "".join(f"; not {file} ({error.code})" for file, error in failed)
