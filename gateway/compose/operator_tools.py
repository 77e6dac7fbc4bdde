"""What an operator decides beside a running gateway: reports, and files that are taken down."""

from __future__ import annotations

from typing import Any

from bitcache import reports, takedowns
from bitcache.identifiers import FileId
from bitcache.master_key import MasterKey
from bitcache.reports import Report
from bitcache.takedowns import LONGEST_REASON
from gateway.compose.account_tools import beside
from gateway.compose.init_data_folder import set_up
from gateway.config.settings import Settings
from wallet.watcher import unix_time

__all__ = ["LONGEST_REASON", "actions", "dismiss", "put_back", "reports_of", "take_down"]


async def reports_of(settings: Settings, *, closed: bool) -> list[Report]:
    """Return the open reports, or those that were decided."""
    key = MasterKey.load(set_up(settings).master_key)
    async with beside(settings) as store:
        return await store.read(lambda conn: reports.queue(conn, key, closed=closed))


async def actions(settings: Settings) -> list[dict[str, Any]]:
    """Return what was decided, the newest first."""
    async with beside(settings) as store:
        return await store.read(takedowns.actions)


async def dismiss(settings: Settings, report_id: int, reason: str) -> None:
    """Close a report; raise NotFound."""
    async with beside(settings) as store:
        await store.write(lambda conn: takedowns.dismiss(conn, report_id, reason, unix_time()))


async def take_down(settings: Settings, file_id: FileId, reason: str) -> None:
    """Take a file down; raise NotFound."""
    async with beside(settings) as store:
        await store.write(lambda conn: takedowns.take_down(conn, file_id, reason, unix_time()))


async def put_back(settings: Settings, file_id: FileId, reason: str) -> None:
    """Let it be sold again; raise NotFound."""
    async with beside(settings) as store:
        await store.write(lambda conn: takedowns.put_back(conn, file_id, reason, unix_time()))
