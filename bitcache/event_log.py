"""The outbox: what the world must be told, written in the transaction that made it true.

A pump reads the rows in order, hands each to the listeners, and deletes it when they took it; after
a crash, what was not handed over is handed over again.  Listeners therefore re-read the state.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from bitcache.identifiers import PurchaseId
from bitcache.storage.tables import outbox

_ADD = insert(outbox)


@dataclass(frozen=True, slots=True)
class Event:
    """Something changed about a purchase."""

    id: int
    purchase_id: PurchaseId
    name: str


def add(conn: Connection, purchase_ids: Iterable[str], name: str, now: int) -> None:
    """Queue one event per purchase."""
    rows = [{"purchase_id": purchase_id, "event": name, "created_at": now} for purchase_id in purchase_ids]
    if rows:
        conn.execute(_ADD, rows)


def pending(conn: Connection, limit: int = 1000) -> list[Event]:
    """The oldest undelivered events, in order."""
    rows = conn.execute(select(outbox).order_by(outbox.c.id).limit(limit))
    return [Event(row.id, PurchaseId(row.purchase_id), row.event) for row in rows]


def delivered(conn: Connection, up_to: int) -> None:
    """Forget what was handed over."""
    conn.execute(delete(outbox).where(outbox.c.id <= up_to))
