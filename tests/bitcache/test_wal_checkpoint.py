"""WalCheckpoint: the log is emptied beside the writer, and a failure costs nothing."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert
from structlog.testing import capture_logs
from support.eventually import eventually

from bitcache.storage import wal_checkpoint
from bitcache.storage.database import Store
from bitcache.storage.tables import seller
from bitcache.storage.wal_checkpoint import LOG_PAGES, WalCheckpoint

ROWS = 300


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wal_checkpoint, "CHANGED_ROWS", ROWS)


def add(conn: Connection, count: int) -> None:
    rows = [{"name": str(number), "token_hash": os.urandom(32), "created_at": 0} for number in range(count)]
    conn.execute(insert(seller), rows)


async def done(store: Store) -> int:
    return store.checkpoints.done


async def test_the_log_is_moved_into_the_file_while_the_store_is_open(tmp_path: Path) -> None:
    """The file alone, without its log, has the rows that came before the checkpoint."""
    path, alone = tmp_path / "bitcache.sqlite", tmp_path / "alone.sqlite"
    store = await Store.open(path)
    await store.write(partial(add, count=ROWS - 1))
    assert await done(store) == 0, "not for every write"
    await store.write(partial(add, count=1))
    await eventually(partial(done, store))
    shutil.copy(path, alone)
    with sqlite3.connect(alone) as conn:
        assert conn.execute("select count(*) from seller").fetchone() == (ROWS,)
    await store.close()


async def test_a_commit_does_not_do_it_until_the_log_is_long(store: Store) -> None:
    """Not even the 1 000 pages after which SQLite would."""

    def pragma(conn: Connection) -> int:
        return int(conn.exec_driver_sql("PRAGMA wal_autocheckpoint").scalar_one())

    assert await store.write(pragma) == await store.read(pragma) == LOG_PAGES > 1_000


async def test_a_checkpoint_that_fails_is_tried_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes go on; what was committed stays committed."""

    def full(_: WalCheckpoint) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with capture_logs() as lines:
        with monkeypatch.context() as patch:
            patch.setattr(WalCheckpoint, "_checkpoint", full)
            await store.write(partial(add, count=ROWS))
            await store.checkpoints.close()
        await store.write(partial(add, count=ROWS))
        await eventually(partial(done, store))
    assert [line["event"] for line in lines] == ["checkpoint_failed"]
    assert await store.read(lambda conn: conn.exec_driver_sql("select count(*) from seller").scalar_one()) == 2 * ROWS


async def test_a_long_log_begins_anew_though_somebody_reads(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader keeps it from being moved whole; then it is waited for, a moment, and nobody begins meanwhile."""
    monkeypatch.setattr(wal_checkpoint, "LOG_PAGES", 50)
    monkeypatch.setattr(wal_checkpoint, "CHANGED_ROWS", 10**6)
    path = store.checkpoints._path
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("begin").execute("select * from seller").fetchall()
        await store.write(partial(add, count=10 * ROWS))
        checkpoint = asyncio.create_task(store.checkpoints._run())
        await asyncio.sleep(0.1)
        reader.rollback()
        await checkpoint
        await store.write(partial(add, count=1))
        _, pages, _ = reader.execute("pragma wal_checkpoint(passive)").fetchone()
    assert pages < 50
