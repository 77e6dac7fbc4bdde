"""``bitcache resume-sales``: its options; the work is in resume_sales_run.py."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.serve import DEFAULT_CONFIG, ConfigOption


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
    from gateway.cli import resume_sales_run  # Bitcoin's libraries load only where they are needed

    resume_sales_run.start(config, newest, restored, as_json)
