"""``bitcache backup`` and ``bitcache restore``: their options; the work is in backup_run.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.invite import JsonOption
from gateway.cli.serve import DEFAULT_CONFIG, ConfigOption


def backup_command(
    target: Annotated[Path, typer.Argument(help="The folder in which each backup gets a folder of its own.")],
    with_master_key: Annotated[
        bool, typer.Option("--with-master-key", help="Put the master key in, too: whoever has both opens every share.")
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Save database and files, checked, while the gateway runs. Files of the backup before are linked, not copied."""
    from gateway.cli import backup_run

    backup_run.back_up(config, target, with_master_key, as_json)


def restore_command(
    backup: Annotated[Path, typer.Argument(help="The folder that holds backup.json.")],
    master_key: Annotated[Path | None, typer.Option(help="The copy that you keep apart.")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Set aside the database that is in the data folder.")
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> None:
    """Put a backup into the data folder that the settings name. The gateway must be stopped."""
    from gateway.cli import backup_run

    backup_run.restore(config, backup, master_key, replace, as_json)
