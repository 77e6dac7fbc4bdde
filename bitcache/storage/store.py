"""The store: SQLite behind one writer.

``read(fn)`` and ``write(fn)`` run ``fn(conn)``, ordinary synchronous SQLAlchemy Core code, so a
transaction never awaits in its middle.  Writes that wait together are committed together: each runs
in its own savepoint, and every caller returns after the one commit is on disk (``synchronous=FULL``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bitcache.errors import BitcacheError, DatabaseBusy, DatabaseUnusable, DiskFull, StorageError
from bitcache.storage.migrate import migrate

T = TypeVar("T")
Work = Callable[[Connection], T]
_Job = tuple[Work[Any], "asyncio.Future[Any]"]

BUSY_TIMEOUT_MS = 5_000
LARGEST_BATCH = 256


class Store:
    """One database file.  Open with :meth:`open`, close with :meth:`close`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._jobs: asyncio.Queue[_Job] = asyncio.Queue()
        self._writer = asyncio.create_task(self._write_forever(), name="store-writer")

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open, and migrate to the newest schema; raises DatabaseUnusable, DatabaseBusy, DiskFull."""
        try:
            await asyncio.to_thread(migrate, path)
        except DBAPIError as error:
            raise translate(error) from error
        engine = create_async_engine(f"sqlite+aiosqlite:///{path}", pool_size=8)
        event.listen(engine.sync_engine, "connect", _pragmas)
        event.listen(engine.sync_engine, "begin", _begin)
        return cls(engine)

    async def close(self) -> None:
        """Finish waiting writes, then close."""
        await self._jobs.join()
        self._writer.cancel()
        await asyncio.gather(self._writer, return_exceptions=True)
        await self._engine.dispose()

    async def read(self, work: Work[T]) -> T:
        """Run ``work`` in a read transaction of its own."""
        try:
            async with self._engine.connect() as conn:
                return await conn.run_sync(work)
        except DBAPIError as error:
            raise translate(error) from error

    async def write(self, work: Work[T]) -> T:
        """Run ``work`` in the current write batch; returns once it is committed, raises what it raised."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put_nowait((work, done))
        return await asyncio.shield(done)

    async def _write_forever(self) -> None:
        while True:
            batch = [await self._jobs.get()]
            while not self._jobs.empty() and len(batch) < LARGEST_BATCH:
                batch.append(self._jobs.get_nowait())
            try:
                await self._commit(batch)
            finally:
                for _ in batch:
                    self._jobs.task_done()

    async def _commit(self, batch: list[_Job]) -> None:
        try:
            async with self._engine.connect() as conn:
                await conn.execution_options(bitcache_write=True)
                results = await self._run(conn, [work for work, _ in batch])
        except DBAPIError as error:
            results = [translate(error)] * len(batch)
        for (_, done), result in zip(batch, results, strict=True):
            if done.cancelled():
                continue
            if isinstance(result, BaseException):
                done.set_exception(result)
            else:
                done.set_result(result)

    async def _run(self, conn: AsyncConnection, works: list[Work[Any]]) -> list[Any]:
        def all_of_them(sync: Connection) -> list[Any]:
            return [_in_savepoint(sync, work) for work in works]

        async with conn.begin():
            return await conn.run_sync(all_of_them)


def _in_savepoint(conn: Connection, work: Work[Any]) -> Any:
    """Run one write; what it raises undoes it alone and is handed to its caller."""
    try:
        with conn.begin_nested():
            return work(conn)
    except DBAPIError as error:
        if conn.invalidated or not conn.in_transaction():
            raise
        return translate(error)
    except Exception as error:  # every failure belongs to the caller that asked for this write
        return error


def _pragmas(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _begin
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(conn: Connection) -> None:
    write = conn.get_execution_options().get("bitcache_write")
    conn.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def translate(error: DBAPIError) -> BitcacheError:
    """The driver's words in ours; never quotes the statement or its parameters."""
    text = str(error.orig).lower()
    if "full" in text or "disk i/o" in text:
        return DiskFull("the disk that holds the database is full or failing")
    if "locked" in text or "busy" in text:
        return DatabaseBusy("another process holds the database")
    if "not a database" in text or "malformed" in text or "unable to open" in text:
        return DatabaseUnusable("the database file cannot be read")
    return StorageError(f"the database refused: {type(error.orig).__name__}")
