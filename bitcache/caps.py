"""How many invoices may wait for money at once: for one file, and for one buyer.

Counting takes the longer the more there are, and it is rarely needed: transfers are numbered in the order in
which they are made (SQLite's rowid), so there are at most as many of a file as were made since the oldest of its
that is still open.  Only when that reaches the cap is there anything to count.

A transfer counts while its buyer is known, who is forgotten when the invoice closes; indexes hold just these.
(So one that a clock which ran ahead closed too early does not count when it is open again.)
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from sqlalchemy import ColumnClause, ColumnElement, Connection, Select, bindparam, func, literal_column, select

from bitcache.errors import TooMany
from bitcache.identifiers import FileId
from bitcache.settlement import State
from bitcache.storage.tables import invoice, transfer

_NUMBER: ColumnClause[int] = literal_column("transfer.rowid")
_OPEN = transfer.c.buyer.is_not(None)
_WAITS = select(invoice.c.state).where(
    invoice.c.transfer_id == transfer.c.id,
    invoice.c.state == State.NEW.value,
    invoice.c.expires_at > bindparam("now"),
)


class _Kind(NamedTuple):
    """``at_most`` never says less than ``waiting``, and is quick."""

    at_most: Select[int]
    waiting: Select[int]
    refusal: str
    hint: str | None


def _kind(mine: ColumnElement[bool], refusal: str, hint: str | None = None) -> _Kind:
    following = select(func.max(_NUMBER) + 1).select_from(transfer).scalar_subquery()
    # the first by number, not by time: a clock that was set back makes the last ones look like the first
    first = select(func.min(_NUMBER)).select_from(transfer).where(mine, _OPEN).scalar_subquery()
    # the open transfers, then their invoices: the other way round, every open invoice of the gateway
    # would be looked at
    waiting = select(func.count()).select_from(transfer).where(mine, _OPEN, _WAITS.exists())
    return _Kind(select(func.coalesce(following - first, 0)), waiting, refusal, hint)


_OF_FILE = _kind(
    transfer.c.file_id == bindparam("whose"),
    "too many people are about to pay for this file",
    "Try again in some minutes.",
)
_OF_BUYER = _kind(
    transfer.c.buyer == bindparam("whose"),
    "too many unpaid invoices are open from this network address",
)


class Room:
    """The room there is at ``now``, during one write."""

    def __init__(self, conn: Connection, per_file: int, per_buyer: int, now: int) -> None:
        self._conn, self._per_file, self._per_buyer, self._now = conn, per_file, per_buyer, now
        self._at_most: dict[FileId | bytes, int] = {}
        self._counted: dict[FileId | bytes, int] = {}
        self._taken: Counter[FileId | bytes] = Counter()

    def take(self, file_id: FileId, buyer: bytes | None) -> None:
        """One more; raises TooMany.  ``buyer`` None: whom nobody counts."""
        if buyer is None:
            return
        self._check(_OF_FILE, file_id, self._per_file)
        self._check(_OF_BUYER, buyer, self._per_buyer)
        self._taken[file_id] += 1
        self._taken[buyer] += 1

    def _check(self, kind: _Kind, whose: FileId | bytes, cap: int) -> None:
        if self._ask(self._at_most, kind.at_most, whose) < cap:
            return
        if self._ask(self._counted, kind.waiting, whose) >= cap:
            raise TooMany(kind.refusal, hint=kind.hint)

    def _ask(self, known: dict[FileId | bytes, int], statement: Select[int], whose: FileId | bytes) -> int:
        """Before this write, asked once, and what was taken since."""
        if whose not in known:
            asked: dict[str, Any] = {"now": self._now, "whose": whose}
            known[whose] = self._conn.execute(statement, asked).scalar_one()
        return known[whose] + self._taken[whose]
