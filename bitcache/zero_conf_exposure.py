"""What was released without being paid for in a block: at risk while it waits, lost when it never comes.

An operator who releases before the first confirmation bounds this sum by a loss budget
(``invoices.zero_conf_budget_sat``).  Losses by reorganisation count too: the budget is for all of them.
"""

from __future__ import annotations

from sqlalchemy import Connection, case, func, select

from bitcache.settlement import PaymentStatus
from bitcache.storage.sqlite_only_sql import greatest
from bitcache.storage.tables import grant, invoice, payment


def exposure(conn: Connection) -> int:
    """Return the satoshis of released invoices that no block pays for.  An index keeps this fast: they are few."""
    outside = select(payment.c.purchase_id).where(payment.c.height.is_(None), payment.c.maturity.is_not(None))
    holds = payment.c.height.is_not(None) | (payment.c.status == PaymentStatus.FINAL.value)
    covered = func.sum(case((holds, payment.c.amount_sat), else_=0)).label("covered")
    risky = (
        select(invoice.c.amount_sat, covered)
        .join(grant, grant.c.purchase_id == invoice.c.purchase_id)
        .join(payment, payment.c.purchase_id == invoice.c.purchase_id)
        .where(invoice.c.purchase_id.in_(outside))
        .group_by(invoice.c.purchase_id)
        .subquery()
    )
    missing = greatest(risky.c.amount_sat - risky.c.covered, 0)
    return int(conn.scalar(select(func.coalesce(func.sum(missing), 0))) or 0)


def lost(conn: Connection) -> tuple[int, int]:
    """Return how many released invoices have lost their payment, and the satoshis they asked for."""
    joined = select(func.count(), func.coalesce(func.sum(invoice.c.amount_sat), 0)).select_from(grant)
    row = conn.execute(joined.join(invoice, invoice.c.purchase_id == grant.c.purchase_id).where(grant.c.lost_at > 0))
    count, amount = row.one()
    return int(count), int(amount)
