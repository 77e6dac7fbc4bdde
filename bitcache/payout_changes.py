"""Changes of where a seller is paid, which wait as long as the seller wished, and can be cancelled meanwhile.

Whoever took over a session cannot make one, and whoever has the account code gives the seller time to notice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from bitcache import account_events, sellers, wallet_connections
from bitcache.account_events import AccountEventKind
from bitcache.errors import NotFound
from bitcache.storage.tables import payout_change, seller

LONGEST_DELAY = 30 * 86_400


@dataclass(frozen=True, slots=True)
class PayoutChange:
    """One that waits: to an account on the chain, or to another wallet.  Times in Unix seconds."""

    seller_id: int
    payout_id: int | None
    connection_id: int | None
    created_at: int
    effective_at: int


def has_payout(conn: Connection, seller_id: int) -> bool:
    """Return whether a seller is paid anywhere yet: the first time there is nothing to take away."""
    row = conn.execute(select(seller.c.payout_id, seller.c.connection_id).where(seller.c.id == seller_id)).one()
    return row.payout_id is not None or row.connection_id is not None


def delay_of(conn: Connection, seller_id: int) -> int:
    """Return how long a change waits, in seconds."""
    return int(conn.scalar(select(seller.c.payout_delay).where(seller.c.id == seller_id)) or 0)


def set_delay(conn: Connection, seller_id: int, seconds: int, now: int) -> None:
    """Let changes wait so long."""
    conn.execute(update(seller).where(seller.c.id == seller_id).values(payout_delay=seconds))
    account_events.add(conn, seller_id, AccountEventKind.DELAY_CHANGED, now)


def request(
    conn: Connection, seller_id: int, now: int, *, payout_id: int | None = None, connection_id: int | None = None
) -> PayoutChange | None:
    """Change where a seller is paid: at once (None), or return what waits now, in place of one that waited before."""
    delay = delay_of(conn, seller_id) if has_payout(conn, seller_id) else 0
    change = PayoutChange(seller_id, payout_id, connection_id, now, now + delay)
    conn.execute(delete(payout_change).where(payout_change.c.seller_id == seller_id))
    if not delay:
        _apply(conn, change, now)
        return None
    values = {name: getattr(change, name) for name in PayoutChange.__slots__}
    conn.execute(insert(payout_change).values(values))
    account_events.add(conn, seller_id, AccountEventKind.PAYOUT_CHANGE_REQUESTED, now)
    return change


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


def _apply(conn: Connection, change: PayoutChange, now: int) -> None:
    if change.payout_id is not None:
        sellers.be_paid_at(conn, change.seller_id, change.payout_id)
    if change.connection_id is not None:
        wallet_connections.ask(conn, change.seller_id, change.connection_id, now)
    account_events.add(conn, change.seller_id, AccountEventKind.PAYOUT_CHANGED, now)


def _change(row: Row[Any]) -> PayoutChange:
    return PayoutChange(*(getattr(row, name) for name in PayoutChange.__slots__))
