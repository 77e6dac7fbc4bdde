"""Applies settlement to stored invoices: read, settle, write what changed, grant, and tell.

Called inside a ledger write, with the transfers that a report touched.  The state is re-read here,
inside the transaction, and the grant commits with the state that earned it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, or_, select, update

from bitcache import losses, outbox, release
from bitcache.money import Sat
from bitcache.settlement import Observation, Settlement, State, Terms, settle
from bitcache.storage.tables import block, grant, invoice, known, payment, transfer

OPEN = (State.NEW, State.PROCESSING)
PART = 500  # SQLite takes a bounded number of parameters


def settle_invoices(conn: Connection, transfer_ids: Iterable[str], now: int, loss_budget: int = 0) -> None:
    """Settle these transfers' invoices at ``now`` (Unix seconds).

    ``loss_budget`` bounds what may be released unconfirmed, for invoices whose terms allow that at all.
    """
    ids = sorted(transfer_ids)
    for first in range(0, len(ids), PART):
        _settle_part(conn, ids[first : first + PART], now, loss_budget)


def _settle_part(conn: Connection, ids: list[str], now: int, loss_budget: int) -> None:
    tip = conn.scalar(select(func.max(block.c.height))) or 0
    until = conn.scalar(select(known.c.until)) or 0
    granted = set(conn.scalars(select(grant.c.transfer_id).where(grant.c.transfer_id.in_(ids))))
    paid = _observations(conn, ids, tip)
    changes = []
    for row in conn.execute(select(invoice).where(invoice.c.transfer_id.in_(ids))):
        released = row.transfer_id in granted
        seen = paid.get(row.transfer_id, [])
        terms = terms_of(row)
        result = settle(terms, seen, released=released, known_until=until)
        if not released and _unaffordable(conn, terms, seen, result, loss_budget):
            terms = replace(terms, confirmations=1)
            result = settle(terms, seen, released=released, known_until=until)
        change = _change(row, terms, result, seen, now)
        if change is not None:
            changes.append(change)
            _release(conn, row, result, released, now)
    _write(conn, changes, now)


def terms_of(row: Row[Any]) -> Terms:
    """An invoice row's terms."""
    return Terms(Sat(row.amount_sat), row.confirmations, row.expires_at)


def _unaffordable(
    conn: Connection, terms: Terms, seen: Sequence[Observation], result: Settlement, loss_budget: int
) -> bool:
    """Whether this would release an unconfirmed payment that the loss budget does not cover (any more)."""
    if terms.confirmations or result.state is not State.SETTLED:
        return False
    in_blocks = sum(one.amount for one in seen if one.confirmations >= max(1, one.maturity))
    return in_blocks < terms.amount and losses.exposure(conn) + terms.amount > loss_budget


def _observations(conn: Connection, ids: list[str], tip: int) -> dict[str, list[Observation]]:
    """Surviving payments by transfer."""
    found: dict[str, list[Observation]] = defaultdict(list)
    survives = or_(payment.c.height.is_not(None), payment.c.unconfirmed == 1)
    for row in conn.execute(select(payment).where(payment.c.transfer_id.in_(ids), survives)):
        depth = 0 if row.height is None else tip - row.height + 1
        found[row.transfer_id].append(Observation(Sat(row.amount_sat), depth, row.seen_at, row.maturity))
    return found


def _change(
    row: Row[Any], terms: Terms, result: Settlement, seen: Sequence[Observation], now: int
) -> dict[str, Any] | None:
    """The columns to write, or None when nothing changed."""
    settled_at = row.settled_at or now if result.state is State.SETTLED else row.settled_at
    new = {
        "state": result.state.value,
        "marks": " ".join(sorted(result.marks)),
        "received_sat": int(result.received),
        "confirmed_sat": int(result.confirmed),
        "confirmations": terms.confirmations,
        "depth": min(result.confirmations, terms.confirmations),
        "seen_at": min((one.seen_at for one in seen), default=None),
        "settled_at": settled_at,
    }
    if all(getattr(row, name) == value for name, value in new.items()):
        return None
    return {"b_id": row.transfer_id, **new}


def _release(conn: Connection, row: Row[Any], result: Settlement, released: bool, now: int) -> None:
    if result.state is State.SETTLED and not released:
        release.grant_transfer(conn, row.transfer_id, now)
    elif result.state is State.INVALID:
        release.mark_lost(conn, row.transfer_id, now)
    elif released:
        release.mark_recovered(conn, row.transfer_id)


def _write(conn: Connection, changes: list[dict[str, Any]], now: int) -> None:
    if not changes:
        return
    columns: Iterator[str] = (name for name in changes[0] if name != "b_id")
    statement = update(invoice).where(invoice.c.transfer_id == bindparam("b_id"))
    conn.execute(statement.values({name: bindparam(name) for name in columns}), changes)
    _forget_buyers(conn, [change["b_id"] for change in changes if change["state"] not in OPEN])
    outbox.add(conn, [change["b_id"] for change in changes], "transfer", now)


def _forget_buyers(conn: Connection, closed: list[str]) -> None:
    """Who asked for an invoice is kept only while it counts against the cap."""
    if closed:
        conn.execute(update(transfer).where(transfer.c.id.in_(closed)).values(buyer=None))
