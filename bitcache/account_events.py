"""What happened to an account, for its seller to see: nothing in it is secret, and the oldest are forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, delete, insert, select

from bitcache.storage.tables import account_event

KEPT = 100


class AccountEventKind(StrEnum):
    """What happened."""

    SIGNED_UP = "signed_up"
    SIGNED_IN = "signed_in"
    TOKEN_MADE = "token_made"  # noqa: S105 (what happened)
    TOKEN_ROTATED = "token_rotated"  # noqa: S105
    REVOKED = "revoked"  #: a session or a token
    PAYOUT_CHANGE_REQUESTED = "payout_change_requested"
    PAYOUT_CHANGE_CANCELLED = "payout_change_cancelled"
    PAYOUT_CHANGED = "payout_changed"
    DELAY_CHANGE_REQUESTED = "delay_change_requested"  #: a shorter one, which waits
    DELAY_CHANGED = "delay_changed"
    DISCONNECTED = "disconnected"  #: a Lightning wallet is asked no more


@dataclass(frozen=True, slots=True)
class AccountEvent:
    """``about``: the name of a session or token, where there is one.  ``at`` in Unix seconds."""

    kind: AccountEventKind
    about: str
    at: int


def add(conn: Connection, seller_id: int, kind: AccountEventKind, now: int, about: str = "") -> None:
    """Note that something happened; forget what is older than the last hundred."""
    conn.execute(insert(account_event).values(seller_id=seller_id, kind=kind.value, about=about, created_at=now))
    mine = account_event.c.seller_id == seller_id
    newest = select(account_event.c.id).where(mine).order_by(account_event.c.id.desc()).limit(KEPT).scalar_subquery()
    conn.execute(delete(account_event).where(mine, account_event.c.id.not_in(newest)))


def of_seller(conn: Connection, seller_id: int) -> list[AccountEvent]:
    """Return what happened, the newest first."""
    rows = conn.execute(
        select(account_event).where(account_event.c.seller_id == seller_id).order_by(account_event.c.id.desc())
    )
    return [AccountEvent(AccountEventKind(row.kind), row.about, row.created_at) for row in rows]
