"""Moves what was committed out of the write-ahead log into the database file, beside the writer.

Left alone, SQLite does it inside the commit that fills the log: that payment then waits for the
file's fsync, on a slow disk a second.  Here another thread does it (PASSIVE: it waits for nobody, and
nobody for it).

A log in which somebody reads all the time never begins anew.  Past ``LOG_PAGES`` writers therefore wait
for the oldest reader, at most ``WAIT_SECONDS`` (RESTART); so the log stays bounded.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import structlog

from bitcache.storage import sqlite_only_sql

#: After so many changed rows, each of which touches a few pages of 4 KiB.
CHANGED_ROWS = 2_000
LOG_PAGES = 10_000
WAIT_SECONDS = 0.5

log = structlog.get_logger("bitcache.store")


class WalCheckpoint:
    """Of one database file, one at a time."""

    def __init__(self, path: Path) -> None:
        self.done = 0
        self._path = path
        self._changes = 0
        self._running: asyncio.Task[None] | None = None

    def committed(self, changes: int) -> None:
        """Called after a commit with how many rows the writer has changed since it began."""
        if changes - self._changes >= CHANGED_ROWS and (self._running is None or self._running.done()):
            self._changes = changes
            self._running = asyncio.create_task(self._run(), name="store-checkpoint")

    async def close(self) -> None:
        """Wait for one that is under way."""
        if self._running is not None:
            await self._running

    async def _run(self) -> None:
        try:
            await asyncio.to_thread(self._checkpoint)
        except sqlite3.Error as error:  # nothing is lost: it stays in the log, and is tried again
            log.warning("checkpoint_failed", reason=type(error).__name__)
        else:
            self.done += 1

    def _checkpoint(self) -> None:
        with closing(sqlite3.connect(self._path, timeout=WAIT_SECONDS)) as conn:
            sqlite_only_sql.checkpoint(conn, LOG_PAGES)
