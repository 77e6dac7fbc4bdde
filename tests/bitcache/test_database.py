"""The store: one writer, honest commits, and clear words when the file cannot be used."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import multiprocessing
import os
import signal
import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, select, text
from support.small_disk import SmallDisk

from bitcache.batching import resolve
from bitcache.errors import DatabaseBusy, DatabaseUnusable, DiskFull, NotFound, StorageError
from bitcache.storage import database as store_module
from bitcache.storage.database import Store
from bitcache.storage.migrate import newest_version, schema_version
from bitcache.storage.tables import seller


def add(conn: Connection, name: str, size: int = 32) -> str:
    """A row of about ``size`` bytes."""
    conn.execute(insert(seller).values(name=name, token_hash=os.urandom(size), created_at=0))
    return name


async def names(store: Store) -> list[str]:
    return await store.read(lambda conn: list(conn.scalars(select(seller.c.name).order_by(seller.c.id))))


async def test_a_write_is_on_disk_when_it_returns(tmp_path: Path) -> None:
    """Opened again, it is there; and no transaction is left open."""
    path = tmp_path / "new folder" / "bitcache.sqlite"
    for round_ in range(2):
        store = await Store.open(path)
        assert await store.write(partial(add, name=f"row {round_}")) == f"row {round_}"
        await store.close()
    with sqlite3.connect(path) as plain:
        assert plain.execute("select name from seller order by id").fetchall() == [("row 0",), ("row 1",)]


async def test_a_failed_write_is_undone_alone(store: Store) -> None:
    """Each caller of a batch gets its own answer: value, our error, a bug's exception, a refused row."""

    def half(conn: Connection) -> None:
        add(conn, "half")
        raise NotFound

    def bug(conn: Connection) -> None:
        add(conn, "bug")
        raise ZeroDivisionError

    def refused(conn: Connection) -> None:
        add(conn, "refused")
        conn.execute(text("insert into seller (id) values (1)"))

    works = [lambda conn: add(conn, "a"), half, bug, refused, lambda conn: add(conn, "b")]
    results = await asyncio.gather(*[store.write(work) for work in works], return_exceptions=True)
    assert [type(result) for result in results] == [str, NotFound, ZeroDivisionError, StorageError, str]
    assert await names(store) == ["a", "b"]


async def test_writes_that_wait_together_are_committed_together_and_in_order(store: Store) -> None:
    """Far fewer commits than writes; the order of asking is the order of writing."""
    commits = 0

    def count(_: object) -> None:
        nonlocal commits
        commits += 1

    event.listen(store._writer, "commit", count)
    await asyncio.gather(*[store.write(partial(add, name=str(number))) for number in range(500)])
    assert await names(store) == [str(number) for number in range(500)]
    assert commits <= 4


async def test_a_cancelled_caller_does_not_stop_its_write_or_others(store: Store) -> None:
    """The buyer closed the page; the writer goes on."""
    gone = asyncio.create_task(store.write(lambda conn: add(conn, "gone")))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    await store.write(lambda conn: add(conn, "next"))
    assert await names(store) == ["gone", "next"]


async def test_the_error_of_a_write_whose_caller_is_gone_is_no_error_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    """Cancelled in the very moment of the answer: asyncio would log an error that was never retrieved."""
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    resolve(answer, NotFound())
    del answer
    gc.collect()
    assert caplog.records == []


async def test_readers_do_not_see_what_is_not_committed_and_do_not_wait(store: Store) -> None:
    """A read in the middle of a long write sees the state before it."""
    inside, loop = asyncio.Event(), asyncio.get_running_loop()
    release = multiprocessing.Event()

    def slow(conn: Connection) -> None:
        add(conn, "slow")
        loop.call_soon_threadsafe(inside.set)
        release.wait(10)

    writing = asyncio.create_task(store.write(slow))
    await inside.wait()
    assert await names(store) == []
    release.set()
    await writing
    assert await names(store) == ["slow"]


async def test_a_read_cannot_leave_anything_behind(store: Store) -> None:
    """What it wrote by mistake is rolled back."""
    await store.read(lambda conn: add(conn, "by mistake"))
    assert await names(store) == []


async def test_foreign_keys_hold(store: Store) -> None:
    """A seller of a payout that is not there."""
    await store.write(lambda conn: add(conn, "Ann"))
    with pytest.raises(StorageError):
        await store.write(lambda conn: conn.execute(text("update seller set payout_id = 7")).rowcount)


async def test_a_database_held_by_another_process_is_busy_and_then_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writes say so after waiting; reads go on; afterwards all works."""
    monkeypatch.setattr(store_module, "BUSY_TIMEOUT_MS", 50)
    store = await Store.open(tmp_path / "bitcache.sqlite")
    other = sqlite3.connect(tmp_path / "bitcache.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writes = [store.write(partial(add, name=name)) for name in "ab"]
    results = await asyncio.gather(*writes, return_exceptions=True)
    assert [type(result) for result in results] == [DatabaseBusy, DatabaseBusy]
    assert await names(store) == []
    other.execute("ROLLBACK")
    other.close()
    await store.write(lambda conn: add(conn, "c"))
    assert await names(store) == ["c"]
    await store.close()


async def test_a_disk_that_hangs_is_busy(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """When every connection reads for too long, the next reader is told so, in our words."""
    pool: Any = store._reader.sync_engine.pool
    monkeypatch.setattr(pool, "_timeout", 0.1)
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(pool.size() + pool._max_overflow):
            await stack.enter_async_context(store._reader.connect())
        with pytest.raises(DatabaseBusy):
            await names(store)
    assert await names(store) == []


async def test_a_full_disk_fails_writes_and_loses_nothing(small_disk: SmallDisk) -> None:
    """What was committed stays; when there is room again, writing goes on."""
    store = await Store.open(small_disk.folder / "bitcache.sqlite")
    await store.write(lambda conn: add(conn, "before"))

    async def fill() -> None:
        while True:
            await store.write(lambda conn: add(conn, "filler", 100_000))

    with pytest.raises(DiskFull):
        await fill()
    assert (await names(store))[0] == "before"
    small_disk.free()
    await store.write(lambda conn: add(conn, "after"))
    assert (await names(store))[-1] == "after"
    await store.close()


async def test_when_the_disk_fills_inside_a_batch_nobody_is_told_that_it_was_saved(store: Store) -> None:
    """SQLite rolls back the whole transaction by itself then; also the writes before and after must say so."""
    pages = await store.read(lambda conn: conn.execute(text("pragma page_count")).scalar_one())
    await store.write(lambda conn: conn.execute(text(f"pragma max_page_count = {pages + 20}")).scalar_one())
    works = [("small", 32), ("huge", 10_000_000), ("another", 32)]
    writes = [store.write(partial(add, name=name, size=size)) for name, size in works]
    results = await asyncio.gather(*writes, return_exceptions=True)
    saved = [result for result in results if isinstance(result, str)]
    assert saved == await names(store)
    assert isinstance(results[1], DiskFull)
    await store.write(lambda conn: add(conn, "afterwards"))
    assert await names(store) == [*saved, "afterwards"]


@pytest.mark.parametrize(
    "content", [b"not a database at all, but long enough" * 10, b"x", b"SQLite format 3\0" + b"x" * 500]
)
async def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    """Whoever pointed at the wrong file keeps it."""
    path = tmp_path / "holiday.jpg"
    path.write_bytes(content)
    with pytest.raises(DatabaseUnusable):
        await Store.open(path)
    assert path.read_bytes() == content


async def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    """It is SQLite, but not ours."""
    path = tmp_path / "places.sqlite"
    with sqlite3.connect(path) as plain:
        plain.execute("create table bookmarks (url)")
    before = path.read_bytes()
    with pytest.raises(DatabaseUnusable, match="another program"):
        await Store.open(path)
    assert path.read_bytes() == before


async def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    """Its version stays as it was."""
    path = tmp_path / "bitcache.sqlite"
    await (await Store.open(path)).close()
    with sqlite3.connect(path) as plain:
        plain.execute("update alembic_version set version_num = '9999'")
    with pytest.raises(DatabaseUnusable, match="newer"):
        await Store.open(path)
    assert schema_version(path) == "9999"


async def test_a_database_that_cannot_be_reached_is_refused(tmp_path: Path) -> None:
    """A file where its folder should be; a folder where the file should be."""
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "bitcache.sqlite", tmp_path / "folder"):
        with pytest.raises(DatabaseUnusable) as refused:
            await Store.open(path)
        assert str(tmp_path) not in str(refused.value)


async def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    """As left by ``touch``, or by a crash before the first write."""
    path = tmp_path / "bitcache.sqlite"
    path.touch()
    await (await Store.open(path)).close()
    assert schema_version(path) == newest_version()


def _write_until_killed(path: Path, told: Path) -> None:
    """In a process of its own: note each write in ``told`` only after it returned."""

    async def forever() -> None:
        store = await Store.open(path)
        with told.open("ab", buffering=0) as file:
            for number in range(1_000_000):
                await store.write(partial(add, name=str(number)))
                file.write(f"{number}\n".encode())

    asyncio.run(forever())


def test_a_killed_process_keeps_every_write_that_returned(tmp_path: Path) -> None:
    """SIGKILL in the middle of writing; what the caller was told is there."""
    path, told = tmp_path / "bitcache.sqlite", tmp_path / "told"
    process = multiprocessing.get_context("spawn").Process(target=_write_until_killed, args=(path, told))
    process.start()
    while not told.exists() or told.stat().st_size < 400:
        assert process.is_alive()
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    noted = told.read_text().split()
    with sqlite3.connect(path) as plain:
        kept = [name for (name,) in plain.execute("select name from seller order by id")]
        assert plain.execute("pragma integrity_check").fetchone() == ("ok",)
    assert kept[: len(noted)] == noted


async def test_a_long_read_does_not_hold_up_the_end(tmp_path: Path) -> None:
    """Closing ends it, and whoever waited for it is told that the gateway stops."""
    store = await Store.open(tmp_path / "slow.sqlite")
    counting = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"
    began = asyncio.Event()
    loop = asyncio.get_running_loop()

    def forever(conn: Connection) -> object:
        loop.call_soon_threadsafe(began.set)
        return conn.exec_driver_sql(counting).scalar()

    reading = asyncio.create_task(store.read(forever))
    await began.wait()
    await asyncio.sleep(0.1)  # until SQLite counts
    async with asyncio.timeout(10):
        await store.close()
        with pytest.raises(DatabaseBusy, match="stops"):
            await reading
