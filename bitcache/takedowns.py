"""What the operator takes down: nobody can buy, download or look at it any more, until it is put back.

Who paid before has the share; who pays an open invoice after that gets nothing, and the seller owes it back.  Every
action is kept, with its reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from bitcache import event_log
from bitcache.errors import NotFound
from bitcache.event_log import EventKind
from bitcache.identifiers import FileId
from bitcache.listing_errors import TakenDown
from bitcache.settlement import State
from bitcache.storage.sqlite_only_sql import upsert
from bitcache.storage.tables import invoice, listing, operator_action, purchase, report, takedown

LONGEST_REASON = 500


class OperatorAction(StrEnum):
    """What the operator did."""

    TAKEN_DOWN = "taken_down"
    PUT_BACK = "put_back"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class Takedown:
    """``reason`` is shown to everybody; ``at`` in Unix seconds."""

    reason: str
    at: int


def takedown_of(conn: Connection, file_id: FileId) -> Takedown | None:
    """Return why a file is down, if it is."""
    row = conn.execute(select(takedown).where(takedown.c.file_id == file_id)).first()
    return Takedown(row.reason, row.at) if row else None


def refuse_taken_down(conn: Connection, file_id: FileId) -> None:
    """Raise TakenDown, with the operator's reason."""
    down = takedown_of(conn, file_id)
    if down is not None:
        raise error_of(down.reason)


def error_of(reason: str) -> TakenDown:
    """Return the error that carries the operator's reason."""
    return TakenDown(hint=reason, reason="operator")


def is_withheld(down_at: int | None, granted_at: int | None) -> bool:
    """Return whether a purchase gets nothing: its file is down since ``down_at``, and it was not granted by then."""
    return down_at is not None and (granted_at is None or granted_at > down_at)


def count_down(conn: Connection) -> int:
    """Return how many files are down."""
    return conn.scalar(select(func.count()).select_from(takedown)) or 0


def take_down(conn: Connection, file_id: FileId, reason: str, now: int) -> None:
    """Take a file down, and close the reports about it; again gives it another reason.  Raise NotFound."""
    if conn.scalar(select(listing.c.file_id).where(listing.c.file_id == file_id)) is None:
        raise NotFound("no such file")
    row = {"file_id": file_id, "reason": reason, "at": now}
    conn.execute(upsert(takedown, keys=("file_id",), changes=lambda new: {"reason": new["reason"]}), row)
    still_open = (report.c.file_id == file_id, report.c.closed_at.is_(None))
    conn.execute(update(report).where(*still_open).values(closed_at=now))
    _note(conn, OperatorAction.TAKEN_DOWN, file_id, reason, now)


def put_back(conn: Connection, file_id: FileId, reason: str, now: int) -> None:
    """Let a file be sold again; raise NotFound unless it is down."""
    if not conn.execute(delete(takedown).where(takedown.c.file_id == file_id)).rowcount:
        raise NotFound("this file is not taken down", hint="bitcache reports --closed lists what the operator did.")
    _note(conn, OperatorAction.PUT_BACK, file_id, reason, now)


def dismiss(conn: Connection, report_id: int, reason: str, now: int) -> None:
    """Close a report, and do nothing else; raise NotFound."""
    which = (report.c.id == report_id, report.c.closed_at.is_(None))
    file_id = conn.scalar(update(report).where(*which).values(closed_at=now).returning(report.c.file_id))
    if file_id is None:
        raise NotFound("no open report has this number", hint="bitcache reports lists them.")
    _note(conn, OperatorAction.DISMISSED, FileId(file_id), reason, now)


def actions(conn: Connection) -> list[dict[str, Any]]:
    """Return what the operator decided, the last hundred, the newest first."""
    rows = conn.execute(select(operator_action).order_by(operator_action.c.id.desc()).limit(100))
    return [{"action": row.action, "file_id": row.file_id, "reason": row.reason, "at": row.at} for row in rows]


def _note(conn: Connection, action: OperatorAction, file_id: FileId, reason: str, now: int) -> None:
    conn.execute(insert(operator_action).values(action=action.value, file_id=file_id, reason=reason, at=now))
    if action is not OperatorAction.DISMISSED:
        event_log.add(conn, [(EventKind.LISTING_CHANGED, file_id), *_open_ones(conn, file_id)], now)


def _open_ones(conn: Connection, file_id: FileId) -> list[tuple[EventKind, str]]:
    """Return news for those who look at an invoice that they could pay."""
    waits = invoice.c.state.in_((State.NEW.value, State.PROCESSING.value))
    ids = select(purchase.c.id).join(invoice, invoice.c.purchase_id == purchase.c.id)
    return [
        (EventKind.PURCHASE_CHANGED, found) for found in conn.scalars(ids.where(purchase.c.file_id == file_id, waits))
    ]
