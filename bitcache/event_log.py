"""The event log: what happened, appended in the transaction that made it true.

Each subscriber has a cursor of its own in the database, so it goes on where it stopped, also after a crash: what it had
read and not acknowledged comes again.  An event says that something changed, and readers look up how it stands now.
Events are trimmed once every subscriber has read them and they are old enough (:func:`trim`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import BindParameter, Connection, Integer, Row, bindparam, delete, exists, func, insert, select, update

from bitcache.storage.tables import event_log, event_subscriber

#: The fan-out to open pages.
PAGES = "pages"
#: A subscriber that leaves events unread for so long (seconds) is gone, and must not keep the log for ever.
LONGEST_UNREAD = 30 * 86_400
#: So many rows are deleted by one write, which holds up no payment.
TRIMMED_AT_ONCE = 5_000

_ADD = insert(event_log)
_NAME: BindParameter[str] = bindparam("subscriber")
_CURSOR = select(event_subscriber.c.cursor).where(event_subscriber.c.name == _NAME)
_AFTER = (
    select(event_log)
    .where(event_log.c.id > func.coalesce(_CURSOR.scalar_subquery(), 0))
    .order_by(event_log.c.id)
    .limit(bindparam("most", type_=Integer))
)
_AFTER_ID = (
    select(event_log)
    .where(event_log.c.id > bindparam("after"))
    .order_by(event_log.c.id)
    .limit(bindparam("most", type_=Integer))
)
_NEWEST = select(func.max(event_log.c.id))


class EventKind(StrEnum):
    """What happened; ``subject`` is a purchase's id, or a listing's file id."""

    PURCHASE_SEEN = "purchase.seen"  #: enough was paid, and waits for confirmation
    PURCHASE_SETTLED = "purchase.settled"  #: paid; the file is released
    PURCHASE_EXPIRED = "purchase.expired"  #: the price is no longer guaranteed
    PURCHASE_REVERSED = "purchase.reversed"  #: released, and its payment undone
    PURCHASE_CHANGED = "purchase.changed"  #: anything else that a purchase shows
    LISTING_CREATED = "listing.created"  #: a file is on sale
    LISTING_CHANGED = "listing.changed"  #: its price or description is another


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened to ``subject`` at ``at`` (Unix seconds)."""

    id: int
    kind: EventKind
    subject: str
    at: int


def add(conn: Connection, events: Iterable[tuple[EventKind, str]], now: int) -> None:
    """Append events, given as kind and subject."""
    rows = [{"kind": kind.value, "subject": subject, "created_at": now} for kind, subject in events]
    if rows:
        conn.execute(_ADD, rows)


def after(conn: Connection, event_id: int, most: int = 1000) -> list[Event]:
    """Return the oldest events that come after the one with this id, in order."""
    return [_event(row) for row in conn.execute(_AFTER_ID, {"after": event_id, "most": most})]


def newest(conn: Connection) -> int:
    """Return the newest event's id; 0 without any."""
    return conn.scalar(_NEWEST) or 0


def unread(conn: Connection, subscriber: str = PAGES, most: int = 1000) -> list[Event]:
    """Return the oldest events that ``subscriber`` has not acknowledged, in order; all of them for a new one."""
    rows = conn.execute(_AFTER, {"subscriber": subscriber, "most": most})
    return [_event(row) for row in rows]


def _event(row: Row[Any]) -> Event:
    return Event(row.id, EventKind(row.kind), row.subject, row.created_at)


def cursor(conn: Connection, subscriber: str = PAGES) -> int:
    """Return the last event that the subscriber acknowledged; 0 for a new one."""
    return conn.scalar(_CURSOR, {"subscriber": subscriber}) or 0


def acknowledge(conn: Connection, up_to: int, subscriber: str = PAGES) -> None:
    """Move the subscriber's cursor to the event ``up_to``, never back."""
    cursor = conn.scalar(_CURSOR, {"subscriber": subscriber})
    if cursor is None:
        conn.execute(insert(event_subscriber).values(name=subscriber, cursor=up_to))
    elif cursor < up_to:
        conn.execute(update(event_subscriber).where(event_subscriber.c.name == subscriber).values(cursor=up_to))


def count_unread(conn: Connection, subscriber: str = PAGES) -> int:
    """Return how many events wait for the subscriber."""
    cursor = conn.scalar(_CURSOR, {"subscriber": subscriber}) or 0
    return conn.scalar(select(func.count()).select_from(event_log).where(event_log.c.id > cursor)) or 0


def trim(conn: Connection, now: int, keep_seconds: int) -> int:
    """Delete events that all have read and that are older than ``keep_seconds``; return how many, at most one batch.

    Subscribers that left events unread for :data:`LONGEST_UNREAD` are forgotten first.
    """
    forgotten = exists().where(
        event_log.c.id > event_subscriber.c.cursor, event_log.c.created_at < now - LONGEST_UNREAD
    )
    conn.execute(delete(event_subscriber).where(event_subscriber.c.name != PAGES, forgotten))
    read = select(func.min(event_subscriber.c.cursor)).scalar_subquery()
    old = select(event_log.c.id).where(event_log.c.id <= read, event_log.c.created_at < now - keep_seconds)
    batch = old.order_by(event_log.c.id).limit(TRIMMED_AT_ONCE).subquery()
    return conn.execute(delete(event_log).where(event_log.c.id.in_(select(batch.c.id)))).rowcount
