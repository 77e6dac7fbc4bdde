"""``bitcache rescan``: the payments compared with the chain, every difference named, and with ``--apply`` corrected."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.cli.command_runner import run
from gateway.cli.console import console, plain, sats, stamp
from gateway.cli.serve import settings_in

if TYPE_CHECKING:
    from bitcache.rescan import Difference, Report

_SENTENCES = {
    "missing": "on the chain, and not in the ledger",
    "moved": "in another block than the ledger says",
    "gone": "in the ledger, and not on the chain",
    "amount": "of another amount than the ledger says",
    "forgotten": "paid to an address of yours whose invoice this database has forgotten",
    "state": "invoice",
}


def start(config: Path, height: int, apply: bool, as_json: bool) -> None:
    """Run the command."""
    run(_rescan(config, height, apply), as_json)


async def _rescan(config: Path, height: int, apply: bool) -> dict[str, Any]:
    settings = settings_in(config)
    from gateway.compose import rescan_payments  # Bitcoin's libraries load only where they are needed

    with console.status("Reading the chain …") as status:
        report = await rescan_payments(
            settings, height, apply=apply, progress=lambda done, total: status.update(f"Block {done} of {total} …")
        )
    tell(report, apply, height)
    return {
        "from": report.start,
        "to": report.height,
        "payments": report.payments,
        "differences": [dataclasses.asdict(difference) for difference in report.differences],
        "applied": apply,
    }


def tell(report: Report, apply: bool, asked: int) -> None:
    """For people.  ``asked``: the height at which the rescan was to begin."""
    if report.start < asked:
        console.print(
            f"  Read from block {report.start} on, not {asked}: from there on the ledger has blocks of another chain."
        )
    span = f" from block {report.start} to {report.height}"
    for difference in report.differences:
        console.print(plain(f"  {sentence(difference)}"), soft_wrap=True)
    if not report.differences:
        stamp(f"The ledger equals the chain{span}", "bold green")
    elif apply:
        stamp(f"Corrected: the ledger equals the chain{span}", "bold green")
    else:
        console.print("  Nothing was changed. To correct it, run the same command with --apply.", style="bold")


def sentence(difference: Difference) -> str:
    """Return one difference in words."""
    if difference.kind == "state":
        return f"invoice {difference.subject}: {difference.was} → {difference.becomes}"
    amount = f"{sats(difference.amount_sat)} " if difference.amount_sat is not None else ""
    return f"{amount}{_SENTENCES[difference.kind]}: {difference.was} → {difference.becomes} ({difference.subject})"
