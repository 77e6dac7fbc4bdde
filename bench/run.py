"""Run the benchmarks: ``python -m bench.run [--rounds N] [--only PART] [--peers]``.

Ours and the peer's are measured in turn, round by round, so that a machine that slows down slows both; the
medians count.  ``ratio`` says how many times better ours is (under 1: worse).
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import lnbits
from bench.case import Case
from bench.cases import addresses, blocks, gateway, purchases, sealing, settling, streams, watching

PARTS = {
    "sealing": sealing,
    "addresses": addresses,
    "blocks": blocks,
    "settling": settling,
    "gateway": gateway,
    "purchases": purchases,
    "streams": streams,
    "watching": watching,
}
RESULTS = Path(__file__).parent / "results.json"


def measure(case: Case, rounds: int) -> dict[str, Any]:
    """One row of the results."""
    ours, theirs = [], []
    case.ours()  # the first run of anything warms caches
    for _ in range(rounds):
        ours.append(case.ours())
        if case.theirs is not None:
            theirs.append(case.theirs())
    value, peer_value = statistics.median(ours), statistics.median(theirs) if theirs else None
    ratio = None
    if peer_value is not None:
        ratio = value / peer_value if case.more_is_better else peer_value / value
    return {
        "name": case.name,
        "value": _short(value),
        "unit": case.unit,
        "peer": case.peer,
        "peer_value": _short(peer_value),
        "ratio": _short(ratio),
        "rounds": rounds,
        "note": case.note,
    }


def main() -> None:
    """Measure, show, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--peers", action="store_true", help="install LNbits into .cache and measure it too")
    options = parser.parse_args()
    if options.peers:
        lnbits.want()
    console = Console()
    rows = []
    for name, part in PARTS.items():
        if options.only is None or name in options.only:
            with part.cases() as cases:
                for case in cases:
                    console.print(f"{case.name} …", style="dim")
                    rows.append(measure(case, max(5, options.rounds)))
    console.print(_table(rows))
    if options.only is None:
        RESULTS.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(title=f"Medians of {rows[0]['rounds']} interleaved rounds")
    for head in ("what", "ours", "unit", "peer", "peer's", "ratio"):
        table.add_column(head, justify="left" if head in ("what", "unit", "peer") else "right")
    for row in rows:
        cells = (row["name"], row["value"], row["unit"], row["peer"], row["peer_value"], row["ratio"])
        table.add_row(*("–" if cell is None else str(cell) for cell in cells))
    return table


def _short(value: float | None) -> float | None:
    """Three significant figures: more would claim what a shared machine cannot tell."""
    return None if value is None else float(f"{value:.3g}")


if __name__ == "__main__":
    main()
