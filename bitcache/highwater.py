"""How far each account's addresses were given out, kept outside the database, so that a restored backup reuses none.

One append-only journal in the data folder, a line per mark: ``<account> <first index never given out>``; the last
line of an account counts.  A mark is on disk before an index under it is used.  To stay fast, marks run ahead of busy
accounts (1, 2, 4 … 64 indexes); an orderly end writes the true one.  After a crash, or over an older database, an
account goes on at its mark, and what lies between is written to the table ``skipped``: those addresses may belong to
invoices that the database has forgotten.

The account's name here is a hash of its first destination, the same for every spelling of one wallet.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sqlalchemy import Connection, insert, select, update

from bitcache.errors import BitcacheError
from bitcache.ports import Rail
from bitcache.storage.journal import append_mark, read_marks, write_marks
from bitcache.storage.tables import payout, skipped

LARGEST_STRIDE = 64
BUSY_SECONDS = 1.0  #: a mark that is reached again within this time doubles its stride


@dataclass(frozen=True, slots=True)
class Skipped:
    """Indexes from ``first`` up to, not including, ``end`` that this database knows no invoices for."""

    payout_id: int
    first: int
    end: int

    @property
    def count(self) -> int:
        """How many."""
        return self.end - self.first


@dataclass(slots=True)
class _Mark:
    reserved: int
    stride: int = 1
    at: float = float("-inf")


class HighWater:
    """The journal of one data folder; used by one process, in the store's writer thread."""

    def __init__(self, path: Path, marks: dict[str, int]) -> None:
        self._path = path
        self._floors = dict(marks)
        self._marks = {name: _Mark(mark) for name, mark in marks.items()}
        self._names: dict[tuple[str, str], str] = {}

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read what is there, and write it anew, short; raises DatabaseUnusable when it is damaged."""
        marks = read_marks(path)
        write_marks(path, marks)
        return cls(path, marks)

    def name(self, rail: Rail, account: str) -> str:
        """What an account is called in the journal."""
        key = (rail.name, account)
        if key not in self._names:
            digest = hashlib.sha256(b"bitcache/v1 account" + rail.name.encode() + b"\x00" + _first_key(rail, account))
            self._names[key] = digest.hexdigest()[:32]
        return self._names[key]

    def floor(self, rail: Rail, account: str) -> int:
        """The account's mark when the journal was opened: indexes under it may have been given out before."""
        return self._floors.get(self.name(rail, account), 0)

    def reserve(self, rail: Rail, account: str, index: int) -> None:
        """On return no later process gives out ``index``; raises StorageError when that cannot be written."""
        name = self.name(rail, account)
        mark = self._marks.setdefault(name, _Mark(0))
        if index < mark.reserved:
            return
        now = time.monotonic()
        stride = min(2 * mark.stride, LARGEST_STRIDE) if now - mark.at < BUSY_SECONDS else 1
        append_mark(self._path, name, index + stride)
        mark.reserved, mark.stride, mark.at = index + stride, stride, now

    def close(self, conn: Connection, rail: Rail) -> None:
        """An orderly end: the marks stand where the database stands, so that no index is left out."""
        exact = {name: mark.reserved for name, mark in self._marks.items()}
        stands = dict(self._floors)
        for row in conn.execute(select(payout.c.account, payout.c.next_index).where(payout.c.rail == rail.name)):
            name = self.name(rail, row.account)
            stands[name] = max(stands.get(name, 0), row.next_index)
        write_marks(self._path, {name: mark for name, mark in (exact | stands).items() if mark})


def catch_up(conn: Connection, rail: Rail, marks: HighWater, now: int) -> list[Skipped]:
    """At start: every account goes on at its mark; returns what was left out, which is logged and recorded."""
    rows = conn.execute(select(payout.c.id, payout.c.account).where(payout.c.rail == rail.name)).all()
    found = (raise_to_mark(conn, rail, marks, row.id, row.account, now) for row in rows)
    return [one for one in found if one is not None]


def raise_to_mark(
    conn: Connection, rail: Rail, marks: HighWater, payout_id: int, account: str, now: int
) -> Skipped | None:
    """One account goes on at its mark, if its counter is behind; what no spelling of it has used is recorded."""
    floor = marks.floor(rail, account)
    at = conn.scalar(select(payout.c.next_index).where(payout.c.id == payout_id)) or 0
    if at >= floor:
        return None
    conn.execute(update(payout).where(payout.c.id == payout_id).values(next_index=floor))
    rows = conn.execute(select(payout.c.account, payout.c.next_index).where(payout.c.id != payout_id))
    same = [row.next_index for row in rows if marks.name(rail, row.account) == marks.name(rail, account)]
    first = max([at, *same])
    if first >= floor:
        return None
    conn.execute(insert(skipped).values(payout_id=payout_id, first=first, end=floor, created_at=now))
    return Skipped(payout_id, first, floor)


def _first_key(rail: Rail, account: str) -> bytes:
    """The same for every spelling; an account that the rail cannot read (any more) sells nothing."""
    try:
        return rail.destination(account, 0).key
    except BitcacheError:
        return account.encode()


def all_skipped(conn: Connection) -> list[Skipped]:
    """Every range ever left out."""
    rows = conn.execute(select(skipped).order_by(skipped.c.payout_id, skipped.c.first))
    return [Skipped(row.payout_id, row.first, row.end) for row in rows]
