"""How far each account's addresses were given out, kept outside the database, so that a restored backup reuses none.

One append-only journal in the data folder, a line per mark: ``<account> <first index never given out>``; the last
line of an account counts.  A mark is on disk before an index under it is used.  To stay fast, marks run ahead of busy
accounts (1, 2, 4 … 64 indexes); an orderly end writes the true one.  After a crash, or over an older database, an
account goes on at its mark, and what lies between is written to the table ``skipped``: those addresses may belong to
invoices that the database has forgotten.

The same marks stand in a second file, ``copy``, that no backup holds (in the machine's memory): it knows more than a
journal that was restored together with its database.  And a payment to an index that was never given out, as far as
this database knows (:func:`beyond`), tells the same: the account goes on after it (:func:`pass_by`).

The account's name here is a hash of its first destination, the same for every spelling of one wallet.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sqlalchemy import Connection, func, insert, select, update

from bitcache.errors import BitcacheError, StorageError
from bitcache.payment_rail import DerivingRail
from bitcache.storage.address_journal_file import append_mark, read_marks, write_marks
from bitcache.storage.tables import listing, payment_request, payout, skipped

#: How many indexes of an account beyond the newest one may have been shown by a database that is lost.
LOOK_AHEAD = 1_000
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


class AddressJournal:
    """The journal of one data folder; used by one process, in the store's writer thread."""

    def __init__(
        self, path: Path, marks: dict[str, int], copy: Path | None = None, *, remembered: bool = False
    ) -> None:
        """``remembered``: the copy was there, so it holds every mark since the machine started."""
        self.remembered = remembered
        self._path, self._copy = path, copy
        self._floors = dict(marks)
        self._marks = {name: _Mark(mark) for name, mark in marks.items()}
        self._names: dict[tuple[str, str], str] = {}

    @classmethod
    def open(cls, path: Path, copy: Path | None = None) -> Self:
        """Read what is there, and write it anew, short; raise DatabaseUnusable when it is damaged."""
        marks, remembered = read_marks(path), copy is not None and copy.exists()
        for name, mark in _read_copy(copy).items():
            marks[name] = max(mark, marks.get(name, 0))
        write_marks(path, marks)
        opened = cls(path, marks, copy, remembered=remembered)
        opened._write_copy(marks)
        return opened

    def name(self, rail: DerivingRail, account: str) -> str:
        """Return what an account is called in the journal."""
        key = (rail.name, account)
        if key not in self._names:
            digest = hashlib.sha256(b"bitcache/v1 account" + rail.name.encode() + b"\x00" + _first_key(rail, account))
            self._names[key] = digest.hexdigest()[:32]
        return self._names[key]

    def floor(self, rail: DerivingRail, account: str) -> int:
        """Return the account's mark when the journal was opened: indexes under it may have been given out before."""
        return self._floors.get(self.name(rail, account), 0)

    def reserve(self, rail: DerivingRail, account: str, index: int) -> None:
        """On return no later process gives out ``index``; raise StorageError when that cannot be written."""
        name = self.name(rail, account)
        mark = self._marks.setdefault(name, _Mark(0))
        if index < mark.reserved:
            return
        now = time.monotonic()
        stride = min(2 * mark.stride, LARGEST_STRIDE) if now - mark.at < BUSY_SECONDS else 1
        append_mark(self._path, name, index + stride)
        self._append_copy(name, index + stride)
        mark.reserved, mark.stride, mark.at = index + stride, stride, now

    def close(self, conn: Connection, rail: DerivingRail) -> None:
        """End in order: the marks stand where the database stands, so that no index is left out."""
        exact = {name: mark.reserved for name, mark in self._marks.items()}
        stands = dict(self._floors)
        for row in conn.execute(select(payout.c.account, payout.c.next_index).where(payout.c.rail == rail.name)):
            name = self.name(rail, row.account)
            stands[name] = max(stands.get(name, 0), row.next_index)
        marks = {name: mark for name, mark in (exact | stands).items() if mark}
        write_marks(self._path, marks)
        self._write_copy(marks)

    def _write_copy(self, marks: Mapping[str, int]) -> None:
        if self._copy is not None:
            with self._or_without():
                write_marks(self._copy, marks)

    def _append_copy(self, name: str, mark: int) -> None:
        if self._copy is not None:
            with self._or_without():
                append_mark(self._copy, name, mark)

    @contextmanager
    def _or_without(self) -> Iterator[None]:
        """Remove the copy when a mark cannot be written to it: one that lacks a mark would vouch for too little."""
        try:
            yield
        except StorageError:
            if self._copy is not None:
                with contextlib.suppress(OSError):
                    self._copy.unlink(missing_ok=True)
            self._copy = None


def _read_copy(copy: Path | None) -> dict[str, int]:
    """Return what no backup holds; a damaged one says nothing."""
    try:
        return read_marks(copy) if copy is not None else {}
    except StorageError:
        return {}


def catch_up(conn: Connection, rail: DerivingRail, journal: AddressJournal, now: int) -> list[Skipped]:
    """Let every account go on at its mark, at start; return what was left out, which is logged and recorded."""
    rows = conn.execute(select(payout.c.id, payout.c.account).where(payout.c.rail == rail.name)).all()
    left_out = (raise_to_mark(conn, rail, journal, row.id, row.account, now) for row in rows)
    return [skipped for skipped in left_out if skipped is not None]


def raise_to_mark(
    conn: Connection, rail: DerivingRail, journal: AddressJournal, payout_id: int, account: str, now: int
) -> Skipped | None:
    """Let one account go on at its mark, if its counter is behind; record what no spelling of it has used."""
    floor = journal.floor(rail, account)
    at = conn.scalar(select(payout.c.next_index).where(payout.c.id == payout_id)) or 0
    if at >= floor:
        return None
    conn.execute(update(payout).where(payout.c.id == payout_id).values(next_index=floor))
    rows = conn.execute(select(payout.c.account, payout.c.next_index).where(payout.c.id != payout_id))
    same = [row.next_index for row in rows if journal.name(rail, row.account) == journal.name(rail, account)]
    first = max([at, *same])
    if first >= floor:
        return None
    conn.execute(insert(skipped).values(payout_id=payout_id, first=first, end=floor, created_at=now))
    return Skipped(payout_id, first, floor)


def used(conn: Connection) -> bool:
    """Return whether anybody may have been shown an address, so that there must be a journal."""
    issued = select(payout.c.id).where(payout.c.next_index > 0).limit(1)
    return conn.scalar(issued) is not None or conn.scalar(select(listing.c.file_id).limit(1)) is not None


Beyond = dict[bytes, list[tuple[int, int]]]  #: payouts and indexes by key, for indexes not given out yet


def beyond(conn: Connection, rail: DerivingRail, count: int = LOOK_AHEAD) -> Beyond:
    """Return the next ``count`` destinations of every account: only a newer database than ours can have shown them."""
    beyond: Beyond = {}
    for row in conn.execute(select(payout).where(payout.c.rail == rail.name)):
        for index in range(row.next_index, row.next_index + count):
            try:
                key = rail.destination(row.account, index).match_key
            except BitcacheError:  # an account that the rail cannot read (any more) sells nothing
                break
            beyond.setdefault(key, []).append((row.id, index))
    return beyond


def pass_by(conn: Connection, scope: str, keys: Iterable[bytes], known: Beyond, now: int) -> list[Skipped]:
    """Let accounts go on after those of these keys that no payment request has; return what was left out."""
    left_out = []
    given_out = select(payment_request.c.id).where(payment_request.c.scope == scope)
    for key in keys:
        if key in known and conn.scalar(given_out.where(payment_request.c.match_key == key)) is None:
            left_out += [skip_to(conn, payout_id, index + 1, now) for payout_id, index in known[key]]
    return [skipped for skipped in left_out if skipped is not None]


def skip_ahead(conn: Connection, rail: DerivingRail, now: int, count: int = LOOK_AHEAD) -> list[Skipped]:
    """Leave out the next ``count`` indexes of every account: a backup was restored, and they may have been shown."""
    rows = conn.execute(select(payout.c.id, payout.c.next_index).where(payout.c.rail == rail.name)).all()
    left_out = (skip_to(conn, row.id, row.next_index + count, now) for row in rows)
    return [skipped_range for skipped_range in left_out if skipped_range is not None]


def skip_to(conn: Connection, payout_id: int, end: int, now: int) -> Skipped | None:
    """Let the account go on at ``end``, if it is not there yet; record what is left out."""
    at = conn.scalar(select(payout.c.next_index).where(payout.c.id == payout_id)) or 0
    if at >= end:
        return None
    conn.execute(update(payout).where(payout.c.id == payout_id).values(next_index=end))
    conn.execute(insert(skipped).values(payout_id=payout_id, first=at, end=end, created_at=now))
    return Skipped(payout_id, at, end)


def _first_key(rail: DerivingRail, account: str) -> bytes:
    """Return what is the same for every spelling; an account that the rail cannot read (any more) sells nothing."""
    try:
        return rail.destination(account, 0).match_key
    except BitcacheError:
        return account.encode()


def count_skipped(conn: Connection, payout_id: int, first: int) -> int:
    """Return how many of an account's indexes from ``first`` on were left out."""
    ranges = select(func.coalesce(func.sum(skipped.c.end - skipped.c.first), 0))
    return int(conn.scalar(ranges.where(skipped.c.payout_id == payout_id, skipped.c.first >= first)) or 0)


def all_skipped(conn: Connection) -> list[Skipped]:
    """Return every range ever left out."""
    rows = conn.execute(select(skipped).order_by(skipped.c.payout_id, skipped.c.first))
    return [Skipped(row.payout_id, row.first, row.end) for row in rows]
