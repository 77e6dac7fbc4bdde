"""What each listing has sold, kept as sums: adding up a million invoices at every look takes seconds.

The sums change in the transaction that changes an invoice, so they always equal what :func:`recount` adds up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, case, func, select

from bitcache.identifiers import FileId
from bitcache.money import Sat
from bitcache.settlement import State
from bitcache.storage.sqlite_only_sql import upsert
from bitcache.storage.tables import invoice, listing_sales, purchase

_SUMS = ("settled", "pending", "received_sat")


@dataclass(frozen=True, slots=True)
class Sales:
    """Purchases settled and pending, and the satoshis that the settled ones brought."""

    settled: int = 0
    pending: int = 0
    received_sat: Sat = Sat(0)  # noqa: RUF009 - immutable

    @property
    def paid(self) -> int:
        """Purchases that somebody has paid, confirmed or not."""
        return self.settled + self.pending


class InvoiceChange(NamedTuple):
    """An invoice of ``file_id`` before and after: its state and the satoshis received on it."""

    file_id: str
    before: tuple[str, int]
    after: tuple[str, int]


_ADD = upsert(
    listing_sales,
    keys=("file_id",),
    changes=lambda new: {name: listing_sales.c[name] + new[name] for name in _SUMS},
)


def add(conn: Connection, changes: Iterable[InvoiceChange]) -> None:
    """Bring the sums up to date with these changed invoices."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for change in changes:
        for place, (old, new) in enumerate(zip(_counts(*change.before), _counts(*change.after), strict=True)):
            sums[change.file_id][place] += new - old
    rows = [{"file_id": file_id, **dict(zip(_SUMS, values, strict=True))} for file_id, values in sums.items()]
    if rows := [row for row in rows if any(row[name] for name in _SUMS)]:
        conn.execute(_ADD, rows)


def recount(conn: Connection) -> dict[FileId, Sales]:
    """Add up every invoice afresh; reads all of them."""
    settled = case((invoice.c.state == State.SETTLED.value, 1), else_=0)
    pending = case((invoice.c.state == State.PROCESSING.value, 1), else_=0)
    sums = (
        select(purchase.c.file_id, func.sum(settled), func.sum(pending), func.sum(settled * invoice.c.received_sat))
        .join(invoice, invoice.c.purchase_id == purchase.c.id)
        .group_by(purchase.c.file_id)
    )
    return {FileId(row[0]): Sales(row[1], row[2], Sat(row[3])) for row in conn.execute(sums)}


def of_row(row: Row[*tuple[Any, ...]]) -> Sales:
    """Read the sums from a row joined with ``listing_sales``; a listing that nobody bought yet has none."""
    return Sales(row.settled or 0, row.pending or 0, Sat(row.received_sat or 0))


def _counts(state: str, received_sat: int) -> tuple[int, int, int]:
    settled = state == State.SETTLED
    return int(settled), int(state == State.PROCESSING), received_sat if settled else 0
