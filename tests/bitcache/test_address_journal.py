"""No address twice: the marks outside the database hold whatever happens to the database."""

from __future__ import annotations

import asyncio
import errno
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from support.market import NOW, TERMS, Market, PaperRail

from bitcache import address_journal, sellers
from bitcache.address_journal import LARGEST_STRIDE, AddressJournal, Skipped
from bitcache.errors import DatabaseUnusable, DiskFull
from bitcache.storage.database import Store
from bitcache.storage.tables import payment_request

RAIL = PaperRail()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "addresses.journal"


async def next_index(market: Market) -> int:
    payout = await market.store.read(lambda conn: sellers.payout_of(conn, market.seller_id))
    assert payout is not None
    return payout.next_index


async def indexes(store: Store) -> list[int]:
    """Every index given out that the database knows of."""
    return await store.read(
        lambda conn: list(conn.scalars(payment_request.select().with_only_columns(payment_request.c.key_index)))
    )


def test_a_mark_is_on_disk_before_its_index_is_used(path: Path) -> None:
    journal = AddressJournal.open(path)
    for index in range(300):
        journal.reserve(RAIL, "account", index)
        assert AddressJournal.open(path).floor(RAIL, "account") > index


def test_marks_run_ahead_of_a_busy_account_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    journal = AddressJournal.open(path)
    for index in range(200):
        journal.reserve(RAIL, "busy", index)
    assert len(path.read_text().splitlines()) < 10, "one write for many"
    assert AddressJournal.open(path).floor(RAIL, "busy") <= 200 + LARGEST_STRIDE
    for index in range(5):
        clock[0] += 60
        journal.reserve(RAIL, "quiet", index)
        assert AddressJournal.open(path).floor(RAIL, "quiet") == index + 1, "a crash leaves nothing out"


def test_every_spelling_of_an_account_has_one_mark(path: Path) -> None:
    journal = AddressJournal.open(path)
    journal.reserve(RAIL, "account", 6)
    assert AddressJournal.open(path).floor(RAIL, "account#another spelling") == 7
    assert AddressJournal.open(path).floor(RAIL, "another account") == 0


def test_the_journal_names_no_account(path: Path) -> None:
    AddressJournal.open(path).reserve(RAIL, "wpkh(xpub…)", 0)
    assert "xpub" not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_torn_last_line_was_never_relied_on(path: Path) -> None:
    AddressJournal.open(path).reserve(RAIL, "account", 6)
    with path.open("a") as file:
        file.write("0123456789abcdef0123456789abcdef 9")
    journal = AddressJournal.open(path)
    assert journal.floor(RAIL, "account") == 7
    journal.reserve(RAIL, "account", 7)
    assert AddressJournal.open(path).floor(RAIL, "account") == 8


def test_a_damaged_journal_is_refused(path: Path) -> None:
    path.write_text("0123456789abcdef0123456789abcdef 7\nnonsense\n")
    with pytest.raises(DatabaseUnusable, match="line 2"):
        AddressJournal.open(path)


def test_a_full_disk_refuses_the_index_and_adds_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = AddressJournal.open(path)
    journal.reserve(RAIL, "account", 0)
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("bitcache.storage.address_journal_file.os.fsync", full)
        with pytest.raises(DiskFull):
            journal.reserve(RAIL, "account", 9)
    assert path.read_bytes() == before
    journal.reserve(RAIL, "account", 9)
    assert AddressJournal.open(path).floor(RAIL, "account") >= 10


@asynccontextmanager
async def reopened(folder: Path) -> AsyncIterator[tuple[Store, AddressJournal]]:
    """As a start of the gateway does; ends in order."""
    store = await Store.open(folder / "bitcache.sqlite")
    journal = AddressJournal.open(folder / "addresses.journal")
    yield store, journal
    await store.write(lambda conn: journal.close(conn, RAIL))
    await store.close()


async def catch_up(store: Store, journal: AddressJournal) -> list[Skipped]:
    return await store.write(lambda conn: address_journal.catch_up(conn, RAIL, journal, NOW))


async def test_an_orderly_restart_leaves_nothing_out(market: Market, tmp_path: Path) -> None:
    file = await market.listed()
    journal = AddressJournal.open(tmp_path / "addresses.journal")
    for _ in range(10):
        await market.order(file.file_id, journal=journal)
    await market.store.write(lambda conn: journal.close(conn, RAIL))
    async with reopened(tmp_path) as (store, again):
        assert await catch_up(store, again) == []
        assert await next_index(replace(market, store=store)) == 10


async def test_after_a_crash_the_account_goes_on_at_its_mark(market: Market, tmp_path: Path) -> None:
    file = await market.listed()
    journal = AddressJournal.open(tmp_path / "addresses.journal")
    for _ in range(10):
        await market.order(file.file_id, journal=journal)
    async with reopened(tmp_path) as (store, again):  # nothing was closed
        left_out = await catch_up(store, again)
        assert [(skipped_range.first, skipped_range.end > 10) for skipped_range in left_out] == [
            (10, True)
        ] or left_out == []
        assert await next_index(replace(market, store=store)) == (left_out[0].end if left_out else 10)


async def copy_database(source: Path, target: Path) -> None:
    """What ``sqlite3 .backup`` does."""

    def copy() -> None:
        with sqlite3.connect(source) as database, sqlite3.connect(target) as copy:
            database.backup(copy)

    await asyncio.to_thread(copy)


async def test_a_restored_backup_reuses_no_address(market: Market, tmp_path: Path) -> None:
    """Sell 5, save the database, sell 30 more, put it back: 5 to 34 are never given out again, and that is recorded."""
    file = await market.listed()
    journal = AddressJournal.open(tmp_path / "addresses.journal")
    for _ in range(5):
        await market.order(file.file_id, journal=journal)
    restored = tmp_path / "restored"
    restored.mkdir()
    await copy_database(tmp_path / "bitcache.sqlite", restored / "bitcache.sqlite")
    for _ in range(30):
        await market.order(file.file_id, journal=journal)
    await market.store.write(lambda conn: journal.close(conn, RAIL))
    shutil.copy(tmp_path / "addresses.journal", restored)
    async with reopened(restored) as (store, again):
        assert await catch_up(store, again) == [Skipped(1, 5, 35)]
        await replace(market, store=store).order(file.file_id, journal=again)
        assert await indexes(store) == [0, 1, 2, 3, 4, 35]
    async with reopened(restored) as (store, again):
        assert await catch_up(store, again) == [], "it is said once, and stays recorded"
        assert await store.read(address_journal.all_skipped) == [Skipped(1, 5, 35)]
        await replace(market, store=store).order(file.file_id, journal=again)
        assert await indexes(store) == [0, 1, 2, 3, 4, 35, 36]


async def test_an_account_unknown_to_the_database_goes_on_at_its_mark(market: Market, tmp_path: Path) -> None:
    """It was set after the backup, and is set again: its first addresses are taken all the same."""
    path = tmp_path / "addresses.journal"
    AddressJournal.open(path).reserve(RAIL, "a later account", 6)
    journal = AddressJournal.open(path)
    terms = replace(TERMS, account="a later account")
    file = await market.listed()
    await market.store.write(partial(sellers.set_payout, seller_id=1, rail_name="paper", terms=terms, now=NOW))
    await market.order(file.file_id, journal=journal)
    assert await indexes(market.store) == [7]
    assert [(gap.first, gap.end) for gap in await market.store.read(address_journal.all_skipped)] == [(0, 7)]


async def test_two_spellings_of_one_account_leave_nothing_out(market: Market, tmp_path: Path) -> None:
    """The mark of the one that is further is no news to the other."""
    file = await market.listed()
    journal = AddressJournal.open(tmp_path / "addresses.journal")
    await market.order(file.file_id, journal=journal)
    terms = replace(TERMS, account=f"{TERMS.account}#other")
    await market.store.write(partial(sellers.set_payout, seller_id=1, rail_name="paper", terms=terms, now=NOW))
    for _ in range(3):
        await market.order(file.file_id, journal=journal)
    await market.store.write(lambda conn: journal.close(conn, RAIL))
    async with reopened(tmp_path) as (store, again):
        assert await catch_up(store, again) == []
