"""``bitcache resume-sales``: the operator's word on a data folder that may be a restored backup."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bitcache.errors import BadInput
from gateway.cli.run import run
from gateway.cli.serve import DEFAULT_CONFIG, ConfigOption, settings_in
from gateway.cli.show import console, plain, stamp
from gateway.settings import Settings


def resume_sales_command(
    newest: Annotated[bool, typer.Option("--newest", help="This data folder is the newest there is.")] = False,
    restored: Annotated[
        bool, typer.Option("--restored", help="A backup was put back: sales were made after it.")
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on the last line of stdout.")] = False,
) -> None:
    """Say what a data folder is that the gateway does not trust. The gateway must be stopped.

    After a restored backup nobody knows which addresses were shown to buyers since: --restored leaves out the next
    addresses of every account, so that none is given to two buyers. Let the sellers' wallets look further ahead then.
    """
    run(_resume(settings_in(config), newest=newest, restored=restored), as_json)


async def _resume(settings: Settings, *, newest: bool, restored: bool) -> dict[str, Any]:
    from gateway.compose import resume_sales  # Bitcoin's libraries load only where they are needed

    if newest == restored:
        raise BadInput("which is it?", hint="Say --newest or --restored.")
    skipped = await resume_sales(settings, restored=restored)
    for one in skipped:
        text = f"  Account {one.payout_id}: addresses {one.first} to {one.end - 1} are left out."
        console.print(plain(text), soft_wrap=True)
    if skipped:
        console.print(plain("  Let the sellers' wallets look that much further ahead (gap limit)."), soft_wrap=True)
    stamp("The next start sells again", "bold green")
    return {"skipped": [{"payout": one.payout_id, "first": one.first, "end": one.end} for one in skipped]}
