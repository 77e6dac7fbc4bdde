"""``bitcache resume-sales``: the operator's word on a data folder that may be a restored backup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bitcache.errors import BadInput
from gateway.cli.command_runner import run
from gateway.cli.console import console, plain, stamp
from gateway.cli.serve import settings_in
from gateway.compose import resume_sales


def start(config: Path, newest: bool, restored: bool, as_json: bool) -> None:
    """Run the command."""
    run(_resume(config, newest=newest, restored=restored), as_json)


async def _resume(config: Path, *, newest: bool, restored: bool) -> dict[str, Any]:
    if newest == restored:
        raise BadInput("which is it?", hint="Say --newest or --restored.")
    skipped = await resume_sales(settings_in(config), restored=restored)
    for skipped_range in skipped:
        addresses = f"{skipped_range.first} to {skipped_range.end - 1}"
        text = f"  Account {skipped_range.payout_id}: addresses {addresses} are left out."
        console.print(plain(text), soft_wrap=True)
    if skipped:
        console.print(plain("  Let the sellers' wallets look that much further ahead (gap limit)."), soft_wrap=True)
    stamp("The next start sells again", "bold green")
    return {
        "skipped": [
            {"payout": skipped_range.payout_id, "first": skipped_range.first, "end": skipped_range.end}
            for skipped_range in skipped
        ]
    }
