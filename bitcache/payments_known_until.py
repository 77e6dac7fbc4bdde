"""Up to when payments are known, scope by scope: an invoice expires only when none can have been missed.

A scope is what payments come to: the chain, or one wallet connection.  An invoice depends on the scopes of its ready
payment requests, so a wallet that is silent pauses its expiry as a node that is away does.
"""

from __future__ import annotations

from sqlalchemy import Connection, and_, bindparam, exists, func, or_, select

from bitcache.apply_settlement import settle_invoices
from bitcache.settlement import State
from bitcache.storage.sqlite_only_sql import upsert
from bitcache.storage.tables import invoice, known_until, payment_request

_SET = upsert(known_until, keys=("scope",), changes=lambda new: {"until": new["until"]})
_READY = and_(
    payment_request.c.purchase_id == invoice.c.purchase_id,
    payment_request.c.destination.is_not(None),
)
#: Some scope that the invoice depends on is not known up to its end.
_LAGS = exists(
    select(payment_request.c.id)
    .outerjoin(known_until, known_until.c.scope == payment_request.c.scope)
    .where(_READY, func.coalesce(known_until.c.until, 0) <= invoice.c.expires_at)
)
_OVER = and_(invoice.c.state == State.NEW.value, invoice.c.expires_at < bindparam("until"), ~_LAGS)
_TOO_EARLY = and_(invoice.c.state == State.EXPIRED.value, invoice.c.expires_at >= bindparam("until"), _LAGS)
_TOUCHED = select(invoice.c.purchase_id).where(or_(_OVER, _TOO_EARLY))


def set_known_until(conn: Connection, scope: str, until: int, now: int) -> None:
    """Record that the payments of this scope are known up to ``until`` (Unix seconds): what ended before it expires.

    When a clock that ran ahead is set right, ``until`` goes back, and what expired too early is open again.
    """
    conn.execute(_SET, {"scope": scope, "until": until})
    settle_invoices(conn, set(conn.scalars(_TOUCHED, {"until": until})), now)


def payments_known_until(conn: Connection, scope: str) -> int:
    """Return up to when this scope was known last (Unix seconds); 0 before the first time."""
    return conn.scalar(select(known_until.c.until).where(known_until.c.scope == scope)) or 0
