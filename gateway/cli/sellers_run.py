"""``bitcache sellers``: the operator's view, as a table or as JSON."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bitcache.sellers_overview import SellerOverview
from gateway.cli.command_runner import run
from gateway.cli.console import plain, sats, size
from gateway.cli.serve import settings_in
from gateway.compose import all_sellers

COLUMNS = ("id", "name", "since", "last seen", "files", "kept", "sold", "pending", "received")
#: Wide enough for a row where there is no terminal to ask.
WIDTH = 110


def show_sellers(config: Path, most: int, as_json: bool) -> None:
    """Run ``bitcache sellers``."""
    run(_show(config, most, as_json), as_json)


async def _show(config: Path, most: int, as_json: bool) -> dict[str, Any]:
    overview = await all_sellers(settings_in(config), most)
    if not as_json:
        screen = Console()
        screen.print(_table(overview), width=screen.width if screen.is_terminal else WIDTH)
    return {"sellers": [asdict(seller) for seller in overview]}


def _table(overview: list[SellerOverview]) -> Table:
    table = Table(box=None, header_style="bold")
    for column in COLUMNS:
        text = column in ("name", "since", "last seen")
        table.add_column(column, justify="left" if text else "right", no_wrap=column != "name")
    for seller in overview:
        table.add_row(
            str(seller.id),
            plain(seller.name),
            _day(seller.created_at),
            _day(seller.last_seen),
            str(seller.listings),
            size(seller.sealed_bytes),
            str(seller.settled),
            str(seller.pending),
            sats(seller.received_sat),
        )
    return table


def _day(at: int | None) -> str:
    return "–" if at is None else time.strftime("%Y-%m-%d", time.gmtime(at))
