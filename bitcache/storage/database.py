"""The store: SQLite behind one writer.

``read(fn)`` and ``write(fn)`` run ``fn(conn)``, ordinary synchronous SQLAlchemy Core code, so a
transaction never awaits in its middle.  Writes that wait together are committed together: each runs
in its own savepoint, and every caller returns after the one commit is on disk (``synchronous=FULL``).

After the commit another thread moves it from the log into the file (see wal_checkpoint.py).

Reads go through aiosqlite.  A write batch runs whole in the one writer thread, because a hop between
threads for every statement would cost more than the statements.

:meth:`Store.change_token` tells whether anybody, also another process, has committed since.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import quote
from weakref import WeakSet

import aiosqlite
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bitcache.batching import resolve
from bitcache.errors import BitcacheError, DatabaseBusy, DatabaseUnusable, DiskFull, StorageError
from bitcache.storage import sqlite_only_sql
from bitcache.storage.migrate import migrate
from bitcache.storage.wal_checkpoint import LOG_PAGES, WalCheckpoint

T = TypeVar("T")
Work = Callable[[Connection], T]
_Job = tuple[Work[Any], "asyncio.Future[Any]"]

BUSY_TIMEOUT_MS = 5_000
LARGEST_BATCH = 256


class Store:
    """One database file.  Open with :meth:`open`, close with :meth:`close`."""

    def __init__(self, path: Path, reader: AsyncEngine, writer: Engine, reading: WeakSet[aiosqlite.Connection]) -> None:
        self._changes = 0
        self.checkpoints = WalCheckpoint(path)
        self._watching = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None)
        self._reader, self._writer, self._reading = reader, writer, reading
        self._jobs: asyncio.Queue[_Job] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self._task = asyncio.create_task(self._write_forever(), name="store-writer")

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open, and migrate to the newest schema; raise DatabaseUnusable, DatabaseBusy, DiskFull."""
        try:
            await asyncio.to_thread(migrate, path)
        except DBAPIError as error:
            raise translate(error) from error
        reader = create_async_engine(f"sqlite+aiosqlite:///{path}", pool_size=8)
        writer = create_engine(f"sqlite:///{path}", pool_size=1, connect_args={"check_same_thread": False})
        for engine in (reader.sync_engine, writer):
            event.listen(engine, "connect", _set_up)
        reading: WeakSet[aiosqlite.Connection] = WeakSet()
        event.listen(reader.sync_engine, "connect", lambda connection, _: reading.add(connection.driver_connection))
        event.listen(reader.sync_engine, "begin", lambda conn: conn.exec_driver_sql("BEGIN"))
        return cls(path, reader, writer, reading)

    async def close(self) -> None:
        """Finish waiting writes, then close.  Reads that still run are interrupted: a long one must hold up nothing."""
        await self._jobs.join()
        for connection in self._reading:
            with suppress(ValueError):  # closed already
                await connection.interrupt()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.checkpoints.close()
        self._thread.shutdown()
        self._watching.close()
        self._writer.dispose()
        await self._reader.dispose()

    async def read(self, work: Work[T]) -> T:
        """Run ``work`` in a read transaction of its own; raise DatabaseBusy when the disk hangs for too long."""
        try:
            async with self._reader.connect() as conn:
                return await conn.run_sync(work)
        except DBAPIError as error:
            raise translate(error) from error
        except PoolTimeout as error:
            raise DatabaseBusy("every connection to the database has been in use for too long") from error

    def change_token(self) -> int:
        """Return a number that differs from the last one if anybody has committed since, here or in another process.

        It takes microseconds and reads no file (https://www.sqlite.org/pragma.html#pragma_data_version).
        """
        return sqlite_only_sql.data_version(self._watching)

    async def write(self, work: Work[T]) -> T:
        """Run ``work`` in the current write batch; return once it is committed, raise what it raised.

        Write functions run alone: from the first statement of one to its commit nobody else writes, in this process
        or another, so that what it reads stays true until it has written.  All of the core depends on that: it reads
        an account's next index, a quota's count or an invoice's state, decides, and writes, without locking a row.
        Here a batch takes SQLite's one write lock at its beginning (BEGIN IMMEDIATE).  A store on another database
        must give the same promise: by one lock for all writers, or by serialisable transactions that are run again.
        """
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put_nowait((work, done))
        await asyncio.wait([done])  # not the future itself: a caller that is cancelled must not cancel it
        return done.result()

    async def _write_forever(self) -> None:
        while True:
            batch = [await self._jobs.get()]
            while not self._jobs.empty() and len(batch) < LARGEST_BATCH:
                batch.append(self._jobs.get_nowait())
            works = [work for work, _ in batch]
            results = await asyncio.get_running_loop().run_in_executor(self._thread, self._commit, works)
            self.checkpoints.committed(self._changes)
            for (_, done), result in zip(batch, results, strict=True):
                resolve(done, result)
                self._jobs.task_done()

    def _commit(self, works: list[Work[Any]]) -> list[Any]:
        """In the writer thread: all of them in one transaction; what fails the commit fails them all."""
        try:
            with self._writer.begin() as conn:
                conn.exec_driver_sql("BEGIN IMMEDIATE")  # here: with a listener every statement would cost more
                results = [_in_savepoint(conn, work) for work in works]
                self._changes = sqlite_only_sql.changed_rows(_driver(conn))
        except Exception as error:  # the writer must outlive whatever one batch meets
            return [translate(error) if isinstance(error, DBAPIError) else error] * len(works)
        return results


def _in_savepoint(conn: Connection, work: Work[Any]) -> Any:
    """Run one write; what it raises undoes it alone and is handed to its caller.

    A full or failing disk makes SQLite roll back the whole transaction by itself: that fails the batch.
    """
    conn.exec_driver_sql("SAVEPOINT work")  # begin_nested() does the same and takes longer than some works
    try:
        result = work(conn)
        conn.exec_driver_sql("RELEASE work")
    except Exception as error:  # every failure belongs to the caller that asked for this write
        if not _in_transaction(conn):
            raise
        conn.exec_driver_sql("ROLLBACK TO work")
        conn.exec_driver_sql("RELEASE work")
        return translate(error) if isinstance(error, DBAPIError) else error
    return result


def _in_transaction(conn: Connection) -> bool:
    """Return what SQLite says of it: SQLAlchemy does not learn of a rollback that it did not ask for."""
    return bool(_driver(conn).in_transaction)


def _driver(conn: Connection) -> Any:
    return conn.connection.dbapi_connection


def _set_up(connection: Any, _record: object) -> None:
    sqlite_only_sql.set_up(connection, log_pages=LOG_PAGES, busy_timeout_ms=BUSY_TIMEOUT_MS)


def translate(error: DBAPIError) -> BitcacheError:
    """Return the driver's words in ours; never quotes the statement or its parameters."""
    text = str(error.orig).lower()
    if "full" in text or "disk i/o" in text:
        return DiskFull("the disk that holds the database is full or failing")
    if "interrupted" in text:
        return DatabaseBusy("the gateway stops", hint="Ask again when it is back.")
    if "locked" in text or "busy" in text:
        return DatabaseBusy("another process holds the database")
    if "not a database" in text or "malformed" in text or "unable to open" in text:
        return DatabaseUnusable("the database file cannot be read")
    return StorageError(f"the database refused: {type(error.orig).__name__}")
