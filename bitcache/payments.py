"""Step 4, observation: what came in, on any rail.

A payment is known by the reference that its rail gives it, and belongs to the payment request whose key it matched.  It
is *surviving* while it may still be undone, *withdrawn* once it was, and *final* once it cannot be.  On the chain
nothing is final: there confirmations decide (:mod:`bitcache.block_processing`).

Every report is one write that settles the invoices it touches; repeating it changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from bitcache.apply_settlement import settle_invoices
from bitcache.money import Sat
from bitcache.settlement import PaymentStatus
from bitcache.storage.sqlite_only_sql import upsert
from bitcache.storage.tables import payment, payment_request

#: SQLite takes a bounded number of parameters.
ASKED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class IncomingPayment:
    """What a rail without blocks saw: ``reference`` is unique on that rail for ever, ``final`` cannot be undone."""

    reference: str
    match_key: bytes
    amount: Sat
    final: bool = True


class Owner(NamedTuple):
    """What a match key belongs to."""

    request_id: int
    purchase_id: str
    rail: str


# Built once: building a statement takes several times as long as running it.
_OWNERS = select(
    payment_request.c.match_key, payment_request.c.id, payment_request.c.purchase_id, payment_request.c.rail
).where(
    payment_request.c.scope == bindparam("scope"),
    payment_request.c.match_key.in_(bindparam("keys", expanding=True)),
)
_AFTER = (
    select(payment_request.c.match_key)
    .where(payment_request.c.scope == bindparam("scope"), payment_request.c.match_key > bindparam("after"))
    .order_by(payment_request.c.match_key)
    .limit(bindparam("most"))
)
_BEFORE = select(payment.c.rail, payment.c.reference, payment.c.status).where(
    payment.c.reference.in_(bindparam("references", expanding=True))
)
_WITHDRAW = (
    update(payment)
    .where(
        payment.c.rail == bindparam("of_rail"),
        payment.c.reference.in_(bindparam("references", expanding=True)),
        payment.c.status == PaymentStatus.SURVIVING.value,
    )
    .values(status=PaymentStatus.WITHDRAWN.value)
    .returning(payment.c.purchase_id)
)


_RECORD = upsert(
    payment,
    keys=("reference", "rail"),
    changes=lambda new: {"status": new["status"]},
    where=lambda new: payment.c.status != PaymentStatus.FINAL.value,
)


def owners(conn: Connection, scope: str, match_keys: Collection[bytes]) -> dict[bytes, Owner]:
    """Return what those keys belong to that a payment request of this scope has."""
    wanted = sorted(match_keys)
    known: dict[bytes, Owner] = {}
    for first in range(0, len(wanted), ASKED_AT_ONCE):
        rows = conn.execute(_OWNERS, {"scope": scope, "keys": wanted[first : first + ASKED_AT_ONCE]})
        known.update({row.match_key: Owner(row.id, row.purchase_id, row.rail) for row in rows})
    return known


def match_keys_after(conn: Connection, scope: str, after: bytes, most: int) -> list[bytes]:
    """Return the keys of a scope in their order, so many at a time: there may be millions."""
    return list(conn.scalars(_AFTER, {"scope": scope, "after": after, "most": most}))


def record(conn: Connection, scope: str, payments: Sequence[IncomingPayment], now: int) -> None:
    """Record what came in; payments to keys that nobody was given are ignored, and what is final stays final."""
    known = owners(conn, scope, {received.match_key for received in payments})
    rows = _new(conn, list(_rows(payments, known, now)))
    if rows:
        conn.execute(_RECORD, rows)
        settle_invoices(conn, (), now, paid={row["purchase_id"] for row in rows})


def withdraw(conn: Connection, rail: str, references: Collection[str], now: int) -> None:
    """Withdraw payments that will not become final."""
    touched = conn.scalars(_WITHDRAW, {"of_rail": rail, "references": list(references)})
    settle_invoices(conn, (), now, paid=set(touched))


def _new(conn: Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return those that were not reported before just so: a rail says everything again when its connection was lost."""
    before: dict[tuple[str, str], str] = {}
    for first in range(0, len(rows), ASKED_AT_ONCE):
        asked = [row["reference"] for row in rows[first : first + ASKED_AT_ONCE]]
        for row in conn.execute(_BEFORE, {"references": asked}):
            before[row.rail, row.reference] = row.status
    final = PaymentStatus.FINAL.value
    return [row for row in rows if before.get((row["rail"], row["reference"])) not in (row["status"], final)]


def _rows(payments: Sequence[IncomingPayment], known: dict[bytes, Owner], now: int) -> Iterator[dict[str, Any]]:
    for received in payments:
        owner = known.get(received.match_key)
        if owner is not None:
            yield {
                "rail": owner.rail,
                "reference": received.reference,
                "purchase_id": owner.purchase_id,
                "request_id": owner.request_id,
                "amount_sat": int(received.amount),
                "status": (PaymentStatus.FINAL if received.final else PaymentStatus.SURVIVING).value,
                "seen_at": now,
            }
