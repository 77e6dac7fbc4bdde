"""How many invoices may wait for money at once: for one file, and for one buyer.

Counting takes the longer the more there are, and it is rarely needed: transfers are numbered in the order in
which they are made (SQLite's rowid), so there are at most as many of a file as were made since its oldest that can
still wait.  Only when that reaches the cap is there anything to count.
"""

from __future__ import annotations

from sqlalchemy import ColumnClause, Connection, bindparam, func, literal_column, select

from bitcache.errors import TooMany
from bitcache.identifiers import FileId
from bitcache.settlement import State
from bitcache.storage.tables import invoice, transfer

_NUMBER: ColumnClause[int] = literal_column("transfer.rowid")
_OF_FILE = transfer.c.file_id == bindparam("file_id")
_OF_BUYER = transfer.c.buyer == bindparam("buyer")
_YOUNG = transfer.c.created_at > bindparam("since")

_FOLLOWING = select(func.max(_NUMBER) + 1).select_from(transfer).scalar_subquery()
# by number, not by time: a clock that was set back makes the last ones look like the first
_FIRST_OF_FILE = select(func.min(_NUMBER)).select_from(transfer).where(_OF_FILE, _YOUNG)
_FIRST_OF_BUYER = select(func.min(_NUMBER)).select_from(transfer).where(_OF_BUYER)
#: How many transfers were made since the file's oldest young one, and since the buyer's oldest open one.
_AT_MOST = select(
    func.coalesce(_FOLLOWING - _FIRST_OF_FILE.scalar_subquery(), 0),
    func.coalesce(_FOLLOWING - _FIRST_OF_BUYER.scalar_subquery(), 0),
)
_WAITS = select(invoice.c.state).where(
    invoice.c.transfer_id == transfer.c.id,
    invoice.c.state == State.NEW.value,
    invoice.c.expires_at > bindparam("now"),
)
# A file's newest transfers first, then their invoices: the other way round, every open invoice of the gateway
# would be looked at.
_WAITING = select(func.count()).select_from(transfer).where(_YOUNG, _WAITS.exists())
_WAITING_OF_FILE, _WAITING_OF_BUYER = _WAITING.where(_OF_FILE), _WAITING.where(_OF_BUYER)


def check(
    conn: Connection, file_id: FileId, per_file: int, buyer: bytes | None, per_buyer: int, now: int, expiry: int
) -> None:
    """Raises TooMany when there is no room for one more.  ``buyer`` None is not counted; ``expiry`` in seconds."""
    asked = {"file_id": file_id, "buyer": buyer, "now": now, "since": now - expiry}
    of_file, of_buyer = conn.execute(_AT_MOST, asked).one()
    if of_file >= per_file and conn.execute(_WAITING_OF_FILE, asked).scalar_one() >= per_file:
        raise TooMany("too many people are about to pay for this file", hint="Try again in some minutes.")
    if of_buyer >= per_buyer and conn.execute(_WAITING_OF_BUYER, asked).scalar_one() >= per_buyer:
        raise TooMany("too many unpaid invoices are open from this network address")
