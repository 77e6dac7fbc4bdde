"""Changes of where a seller is paid, which wait as long as the seller wished, and can be cancelled meanwhile.

Whoever took over a session cannot make one, and whoever has the account code gives the seller time to notice: so
waiting less in future is itself such a change, and all that waits is made together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from bitcache import account_events, sellers, wallet_connections
from bitcache.account_events import AccountEventKind
from bitcache.errors import NotFound
from bitcache.storage.tables import payout_change, seller

LONGEST_DELAY = 30 * 86_400
_WHAT = ("payout_id", "connection_id", "delay")


@dataclass(frozen=True, slots=True)
class PayoutChange:
    """What waits, None: stays as it is.  An account on the chain, a wallet, and how long changes wait (seconds).

    Times in Unix seconds.
    """

    seller_id: int
    created_at: int
    effective_at: int
    payout_id: int | None = None
    connection_id: int | None = None
    delay: int | None = None


def has_payout(conn: Connection, seller_id: int) -> bool:
    """Return whether a seller was ever paid anywhere: before that there is nothing to take away."""
    row = conn.execute(select(seller.c.payout_id, seller.c.connection_id).where(seller.c.id == seller_id)).one()
    return row.payout_id is not None or row.connection_id is not None


def delay_of(conn: Connection, seller_id: int) -> int:
    """Return how long a change waits, in seconds."""
    return int(conn.scalar(select(seller.c.payout_delay).where(seller.c.id == seller_id)) or 0)


def request(
    conn: Connection,
    seller_id: int,
    now: int,
    *,
    payout_id: int | None = None,
    connection_id: int | None = None,
    delay: int | None = None,
) -> PayoutChange | None:
    """Change where a seller is paid, or how long that takes: at once (None), or return all that waits now.

    A longer delay is there at once.  Anything else begins the waiting again for what waited before.
    """
    current = delay_of(conn, seller_id) if has_payout(conn, seller_id) else 0
    asked = PayoutChange(seller_id, now, now + current, payout_id, connection_id, delay)
    before = waiting(conn, seller_id)
    conn.execute(delete(payout_change).where(payout_change.c.seller_id == seller_id))
    if not current or (delay is not None and delay >= current):
        _apply(conn, asked, now)
        return _wait(conn, replace(before, delay=None)) if before else None
    kind = AccountEventKind.PAYOUT_CHANGE_REQUESTED if delay is None else AccountEventKind.DELAY_CHANGE_REQUESTED
    account_events.add(conn, seller_id, kind, now)
    return _wait(conn, _together(before, asked) if before else asked)


def waiting(conn: Connection, seller_id: int) -> PayoutChange | None:
    """Return the change that waits for a seller."""
    row = conn.execute(select(payout_change).where(payout_change.c.seller_id == seller_id)).first()
    return _change(row) if row else None


def cancel(conn: Connection, seller_id: int, now: int) -> None:
    """Cancel what waits; raise NotFound."""
    if not conn.execute(delete(payout_change).where(payout_change.c.seller_id == seller_id)).rowcount:
        raise NotFound("no change of where you are paid is waiting")
    account_events.add(conn, seller_id, AccountEventKind.PAYOUT_CHANGE_CANCELLED, now)


def apply_due(conn: Connection, now: int) -> list[PayoutChange]:
    """Make every change whose time has come, and return them."""
    due = payout_change.c.effective_at <= now
    changes = [_change(row) for row in conn.execute(delete(payout_change).where(due).returning(payout_change))]
    for change in changes:
        _apply(conn, change, now)
    return changes


def _together(before: PayoutChange, asked: PayoutChange) -> PayoutChange:
    """Return both as one, which waits as long as the later one; what both name is as the later one says."""
    named = {name: getattr(asked, name) for name in _WHAT if getattr(asked, name) is not None}
    return replace(before, created_at=asked.created_at, effective_at=asked.effective_at, **named)


def _wait(conn: Connection, change: PayoutChange) -> PayoutChange | None:
    """Let this wait, unless nothing is left of it."""
    if all(getattr(change, name) is None for name in _WHAT):
        return None
    conn.execute(insert(payout_change).values({name: getattr(change, name) for name in PayoutChange.__slots__}))
    return change


def _apply(conn: Connection, change: PayoutChange, now: int) -> None:
    if change.payout_id is not None:
        sellers.be_paid_at(conn, change.seller_id, change.payout_id)
    if change.connection_id is not None:
        wallet_connections.ask(conn, change.seller_id, change.connection_id, now)
    if change.payout_id is not None or change.connection_id is not None:
        account_events.add(conn, change.seller_id, AccountEventKind.PAYOUT_CHANGED, now)
    if change.delay is not None:
        conn.execute(update(seller).where(seller.c.id == change.seller_id).values(payout_delay=change.delay))
        account_events.add(conn, change.seller_id, AccountEventKind.DELAY_CHANGED, now)


def _change(row: Row[Any]) -> PayoutChange:
    return PayoutChange(**{name: getattr(row, name) for name in PayoutChange.__slots__})
