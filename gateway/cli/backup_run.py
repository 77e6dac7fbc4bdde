"""``bitcache backup`` and ``bitcache restore``: long copies in a thread, with a bar, and what to do next."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from bitcache.errors import InvalidSettings
from gateway.cli.command_runner import run
from gateway.cli.console import Bars, size, stamp
from gateway.cli.serve import settings_in
from gateway.config import backup as backups
from gateway.config import restore as restores
from gateway.config.backup import BackupReport
from gateway.config.data_folder import DataFolder


def back_up(config: Path, target: Path, with_master_key: bool, as_json: bool) -> None:
    """Run ``bitcache backup``."""
    run(_back_up(config, target, with_master_key), as_json)


def restore(config: Path, backup: Path, master_key: Path | None, replace: bool, as_json: bool) -> None:
    """Run ``bitcache restore``."""
    run(_restore(config, backup, master_key, replace), as_json)


async def _back_up(config: Path, target: Path, with_master_key: bool) -> dict[str, Any]:
    folder = DataFolder(settings_in(config).storage.directory)
    if not folder.database.exists():
        raise InvalidSettings("this data folder is not set up", hint="Run: bitcache init")
    with Bars() as bars:
        save = partial(backups.back_up, with_master_key=with_master_key)
        progress = partial(bars.update, "saved")
        path, report = await asyncio.to_thread(save, folder, config, target, int(time.time()), progress)
    _tell(f"Saved and checked: {path}", report)
    if not with_master_key:
        stamp("The master key is not in it: without your copy of it no share can be released", "bold yellow")
    return {"path": str(path), **asdict(report)}


async def _restore(config: Path, backup: Path, master_key: Path | None, replace: bool) -> dict[str, Any]:
    folder = DataFolder(settings_in(config).storage.directory)
    with Bars() as bars:
        put = partial(restores.restore, master_key=master_key, replace=replace)
        progress = partial(bars.update, "restored")
        report, has_journal = await asyncio.to_thread(put, backup, folder, int(time.time()), progress)
    _tell(f"Restored into {folder.root}", report)
    stamp(
        f"Next: {'' if has_journal else 'bitcache resume-sales --restored, then '}bitcache doctor, then bitcache serve"
    )
    return {"directory": str(folder.root), "journal_kept": has_journal, **asdict(report)}


def _tell(what: str, report: BackupReport) -> None:
    stamp(what, "bold green")
    stamp(f"{report.files} files, {size(report.sealed_bytes)}, schema {report.schema}")
