"""Applies settlement to stored invoices: read, settle, write what changed, grant, and tell.

Called inside the write of a report, with the purchases that it touched.  The state is re-read here,
inside the transaction, and the grant commits with the state that earned it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, update

from bitcache import (
    event_log,
    key_release,
    open_invoice_counts,
    sales,
    sales_totals,
    unpaid_address_runs,
    zero_conf_exposure,
)
from bitcache.event_log import EventKind
from bitcache.money import Sat
from bitcache.sales_totals import InvoiceChange
from bitcache.settlement import Observation, PaymentStatus, Settlement, State, Terms, settle
from bitcache.storage.sqlite_only_sql import among_ids, ids
from bitcache.storage.tables import block, grant, invoice, known_until, payment, payment_request, purchase

# Built once: building a statement takes several times as long as running it.
_TIP = select(func.max(block.c.height))
_INVOICES = (
    select(invoice, purchase.c.file_id)
    .join(purchase, purchase.c.id == invoice.c.purchase_id)
    .where(among_ids(invoice.c.purchase_id))
)
_REQUESTS = (
    select(payment_request, func.coalesce(known_until.c.until, 0).label("until"))
    .outerjoin(known_until, known_until.c.scope == payment_request.c.scope)
    .where(among_ids(payment_request.c.purchase_id))
)
_GRANTED = select(grant.c.purchase_id).where(among_ids(grant.c.purchase_id))
_SURVIVING = select(payment).where(among_ids(payment.c.purchase_id), payment.c.status != PaymentStatus.WITHDRAWN.value)
_RECEIVED = (
    update(payment_request)
    .where(payment_request.c.id == bindparam("request"))
    .values(received_sat=bindparam("received"))
)
_COLUMNS = (
    "state",
    "marks",
    "received_sat",
    "confirmed_sat",
    "required_confirmations",
    "confirmations",
    "seen_at",
    "settled_at",
)
_CHANGE = (
    update(invoice).where(invoice.c.purchase_id == bindparam("of")).values({name: bindparam(name) for name in _COLUMNS})
)


def settle_invoices(
    conn: Connection,
    purchase_ids: Collection[str],
    now: int,
    loss_budget: int | None = None,
    *,
    paid: Collection[str] = (),
) -> None:
    """Settle these purchases' invoices at ``now`` (Unix seconds), and those of ``paid``, whose payments are others now.

    ``loss_budget`` bounds what may be released unconfirmed, for invoices whose terms allow that at all; what it does
    not cover waits for a block for good.  None: such an invoice is held back, and may be released by a later report.
    """
    all_ids = {*purchase_ids, *paid}
    if not all_ids:
        return
    touched, budget = ids(all_ids), _Budget(conn, loss_budget)
    granted, came_in = set(conn.scalars(_GRANTED, touched)), _CameIn(conn, touched)
    rows, changes, settled = [], [], []
    for row in conn.execute(_INVOICES, touched).all():
        released, seen = row.purchase_id in granted, came_in.observations.get(row.purchase_id, [])
        until = came_in.known_until.get(row.purchase_id, now)
        terms, result = _decide(terms_of(row), seen, released, until, budget)
        change = _change(row, terms, result, seen, now)
        if change is not None:
            rows.append(row)
            changes.append(change)
            if released:
                _review(conn, row.purchase_id, result, now)
            elif result.state is State.SETTLED:
                settled.append(row.purchase_id)
    _write(conn, rows, changes, now)
    # another payment of the same amount changes no sum, and is shown all the same
    changed = {row.purchase_id for row in rows}
    event_log.add(conn, [(EventKind.PURCHASE_CHANGED, purchase_id) for purchase_id in {*paid} - changed], now)
    _keep_sales(conn, rows, changes)
    came_in.keep_sums(conn)
    key_release.grant_purchases(conn, settled, now)


class _CameIn:
    """What came in for some purchases, and up to when that is known.

    ``known_until`` lacks those that nothing can come in for, because no payment request of theirs is ready.
    """

    def __init__(self, conn: Connection, touched: dict[str, str]) -> None:
        self.observations: dict[str, list[Observation]] = defaultdict(list)
        self.known_until: dict[str, int] = {}
        self._requests = {row.id: row for row in conn.execute(_REQUESTS, touched)}
        self._received: dict[int, int] = defaultdict(int)
        tip = conn.scalar(_TIP) or 0
        for row in conn.execute(_SURVIVING, touched):
            self._received[row.request_id] += row.amount_sat
            smallest = self._requests[row.request_id].minimum_sat
            self.observations[row.purchase_id].append(_observation(row, tip, smallest))
        for request in self._requests.values():
            if request.destination is not None:
                until = self.known_until.get(request.purchase_id, request.until)
                self.known_until[request.purchase_id] = min(until, request.until)

    def keep_sums(self, conn: Connection) -> None:
        """Write down what each payment request received, and which addresses were paid."""
        changed = [row for row in self._requests.values() if row.received_sat != self._received.get(row.id, 0)]
        if changed:
            conn.execute(_RECEIVED, [{"request": row.id, "received": self._received.get(row.id, 0)} for row in changed])
        self._keep_runs(conn, [row for row in changed if row.key_index is not None])

    def _keep_runs(self, conn: Connection, changed: Sequence[Row[Any]]) -> None:
        paid: dict[int, list[int]] = defaultdict(list)
        withdrawn: dict[int, list[int]] = defaultdict(list)
        for row in changed:
            received = self._received.get(row.id, 0)
            if bool(row.received_sat) != bool(received):
                (paid if received else withdrawn)[row.payout_id].append(row.key_index)
        for payout_id, indexes in withdrawn.items():
            unpaid_address_runs.mark_unpaid(conn, payout_id, indexes)
        for payout_id, indexes in paid.items():
            unpaid_address_runs.mark_paid(conn, payout_id, indexes)


def _observation(row: Row[Any], tip: int, smallest: int) -> Observation:
    """Return one surviving payment; a rail without blocks says itself what is final."""
    if row.maturity is None:
        return Observation(
            Sat(row.amount_sat), 0, row.seen_at, smallest=smallest, final=row.status == PaymentStatus.FINAL
        )
    confirmations = 0 if row.height is None else tip - row.height + 1
    absent = row.height is None and row.absent_since is not None
    return Observation(Sat(row.amount_sat), confirmations, row.seen_at, row.maturity, absent, smallest)


#: Named by the state that a purchase comes to.
_KINDS = {
    State.PROCESSING.value: EventKind.PURCHASE_SEEN,
    State.SETTLED.value: EventKind.PURCHASE_SETTLED,
    State.EXPIRED.value: EventKind.PURCHASE_EXPIRED,
    State.INVALID.value: EventKind.PURCHASE_REVERSED,
}


def terms_of(row: Row[Any]) -> Terms:
    """Return an invoice row's terms."""
    return Terms(Sat(row.amount_sat), row.required_confirmations, row.expires_at)


def _decide(
    terms: Terms, seen: Sequence[Observation], released: bool, until: int, budget: _Budget
) -> tuple[Terms, Settlement]:
    """Return what becomes of an invoice, and the terms it has from now on."""
    result = settle(terms, seen, released=released, known_until=until)
    if released or not _at_risk(terms, seen, result) or budget.covers(_unpaid_by_blocks(terms, seen)):
        return terms, result
    in_a_block = replace(terms, confirmations=1)
    result = settle(in_a_block, seen, released=released, known_until=until)
    return (terms if budget.holds_back else in_a_block), result


def _at_risk(terms: Terms, seen: Sequence[Observation], result: Settlement) -> bool:
    """Return whether this would release what no block pays for yet."""
    if terms.confirmations or result.state is not State.SETTLED:
        return False
    return sum(observation.amount for observation in seen if observation.counts(1)) < terms.amount


class _Budget:
    """What may still be released unconfirmed; counted when first asked for, because most invoices wait for a block."""

    def __init__(self, conn: Connection, limit: int | None) -> None:
        self._conn, self._limit = conn, limit
        self._left: int | None = None

    @property
    def holds_back(self) -> bool:
        """Return whether it is not asked now: a later report decides."""
        return self._limit is None

    def covers(self, amount: int) -> bool:
        """Return whether so many satoshis fit, which are then taken from it."""
        if self._limit is None:
            return False
        if self._left is None:
            self._left = self._limit - zero_conf_exposure.exposure(self._conn)
        if amount > self._left:
            return False
        self._left -= amount
        return True


def _unpaid_by_blocks(terms: Terms, seen: Sequence[Observation]) -> int:
    """Return what zero_conf_exposure.exposure will count for this invoice once it is released."""
    paid = sum(observation.amount for observation in seen if observation.confirmations or observation.final)
    return max(0, terms.amount - paid)


def _change(
    row: Row[Any], terms: Terms, result: Settlement, seen: Sequence[Observation], now: int
) -> dict[str, Any] | None:
    """Return the parameters of :data:`_CHANGE`, or None when nothing changed."""
    new = {
        "state": result.state.value,
        "marks": " ".join(sorted(result.marks)),
        "received_sat": int(result.received),
        "confirmed_sat": int(result.confirmed),
        "required_confirmations": terms.confirmations,
        "confirmations": min(result.confirmations, terms.confirmations),
        "seen_at": min((observation.seen_at for observation in seen), default=None),
        "settled_at": now if row.settled_at is None and result.state is State.SETTLED else row.settled_at,
    }
    if all(getattr(row, name) == value for name, value in new.items()):
        return None
    return {"of": row.purchase_id, **new}


def _review(conn: Connection, purchase_id: str, result: Settlement, now: int) -> None:
    """Write beside a grant whether its payment stands; the grant stands for ever."""
    if result.state is State.INVALID:
        key_release.mark_lost(conn, purchase_id, now)
    else:
        key_release.mark_recovered(conn, purchase_id)


def _write(conn: Connection, rows: Sequence[Row[Any]], changes: list[dict[str, Any]], now: int) -> None:
    if not changes:
        return
    conn.execute(_CHANGE, changes)
    # from which networks an invoice was asked for is kept only while it counts against their quotas
    open_invoice_counts.release(conn, [change["of"] for change in changes if change["state"] != State.NEW.value])
    pairs = zip(rows, changes, strict=True)
    event_log.add(conn, [(_kind(row.state, change["state"]), row.purchase_id) for row, change in pairs], now)


def _kind(before: str, after: str) -> EventKind:
    """Return what to call a change from one state to another, or within one."""
    return EventKind.PURCHASE_CHANGED if before == after else _KINDS.get(after, EventKind.PURCHASE_CHANGED)


def _keep_sales(conn: Connection, rows: Sequence[Row[Any]], changes: Sequence[dict[str, Any]]) -> None:
    """Bring the seller's list of sales, and the sums by listing, up to date."""
    pairs = list(zip(rows, changes, strict=True))
    sales.add(conn, [row.purchase_id for row, change in pairs if row.seen_at is None and change["seen_at"]])
    sales_totals.add(
        conn,
        (
            InvoiceChange(row.file_id, (row.state, row.received_sat), (change["state"], change["received_sat"]))
            for row, change in pairs
        ),
    )
