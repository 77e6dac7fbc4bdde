"""A seller's sales: every purchase that something was ever paid for, newest first, and what each day brought.

A row is added by the write that first sees a payment, and stays when that payment is withdrawn: then its state says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, tuple_

from bitcache.errors import NotFound
from bitcache.identifiers import FileId, PurchaseId
from bitcache.money import Sat
from bitcache.settlement import PaymentStatus, State
from bitcache.storage.sqlite_only_sql import among_ids, ids, insert_missing
from bitcache.storage.tables import invoice, listing, payment, purchase, sale, takedown

DAY = 86_400


@dataclass(frozen=True, slots=True)
class SalePayment:
    """What came in on a rail: ``reference`` is the outpoint on-chain, on Lightning the payment hash."""

    rail: str
    reference: str
    amount: Sat
    status: PaymentStatus


@dataclass(frozen=True, slots=True)
class Sale:
    """A purchase that was paid for, or partly, or whose payment was undone.  Times in Unix seconds."""

    purchase_id: PurchaseId
    file_id: FileId
    state: State
    marks: tuple[str, ...]
    price: Sat
    received: Sat
    first_seen_at: int
    settled_at: int | None
    payments: tuple[SalePayment, ...]
    refund_due: bool = False  #: paid for what the operator had taken down


@dataclass(frozen=True, slots=True)
class DaySales:
    """What was settled of what was first seen on one day, by one rail; ``day``: when it began, in UTC."""

    day: int
    rail: str
    sales: int
    received: Sat


# Built once: building a statement takes several times as long as running it.
_ADD = insert_missing(sale).from_select(
    ["purchase_id", "seller_id", "first_seen_at"],
    select(invoice.c.purchase_id, listing.c.seller_id, invoice.c.seen_at)
    .join(purchase, purchase.c.id == invoice.c.purchase_id)
    .join(listing, listing.c.file_id == purchase.c.file_id)
    .where(among_ids(invoice.c.purchase_id), invoice.c.seen_at.is_not(None)),
)
_PAGE = (
    select(
        sale.c.purchase_id,
        sale.c.first_seen_at,
        purchase.c.file_id,
        invoice.c.state,
        invoice.c.marks,
        invoice.c.amount_sat,
        invoice.c.received_sat,
        invoice.c.settled_at,
        takedown.c.at.label("down_at"),
    )
    .join(purchase, purchase.c.id == sale.c.purchase_id)
    .join(invoice, invoice.c.purchase_id == sale.c.purchase_id)
    .outerjoin(takedown, takedown.c.file_id == purchase.c.file_id)
    .where(sale.c.seller_id == bindparam("seller"))
    .order_by(sale.c.first_seen_at.desc(), sale.c.purchase_id.desc())
    .limit(bindparam("most"))
)
_PLACE = select(sale.c.first_seen_at, sale.c.purchase_id).where(
    sale.c.seller_id == bindparam("seller"), sale.c.purchase_id == bindparam("after")
)
_PAYMENTS = select(payment).where(among_ids(payment.c.purchase_id)).order_by(payment.c.seen_at, payment.c.reference)
_BEGAN = sale.c.first_seen_at - sale.c.first_seen_at % DAY
_DAYS = (
    select(_BEGAN, payment.c.rail, func.count(sale.c.purchase_id.distinct()), func.sum(payment.c.amount_sat))
    .select_from(sale)
    .join(invoice, invoice.c.purchase_id == sale.c.purchase_id)
    .join(payment, payment.c.purchase_id == sale.c.purchase_id)
    .where(
        sale.c.seller_id == bindparam("seller"),
        sale.c.first_seen_at >= bindparam("since"),
        invoice.c.state == State.SETTLED.value,
        payment.c.status != PaymentStatus.WITHDRAWN.value,
    )
    .group_by(_BEGAN, payment.c.rail)
    .order_by(_BEGAN, payment.c.rail)
)


def add(conn: Connection, purchase_ids: Collection[str]) -> None:
    """Note that something was paid for these purchases, whose invoices say so already."""
    if purchase_ids:
        conn.execute(_ADD, ids(purchase_ids))


def of_seller(conn: Connection, seller_id: int, *, most: int, after: PurchaseId | None = None) -> list[Sale]:
    """Return a seller's sales, newest first: ``most`` of them, those after the sale ``after``; raise NotFound."""
    page = _PAGE
    if after is not None:
        last = conn.execute(_PLACE, {"seller": seller_id, "after": after}).first()
        if last is None:
            raise NotFound("no such sale")
        place = tuple_(sale.c.first_seen_at, sale.c.purchase_id)
        page = page.where(place < tuple_(last.first_seen_at, last.purchase_id))
    rows = conn.execute(page, {"seller": seller_id, "most": most}).all()
    payments = _payments(conn, [row.purchase_id for row in rows])
    return [
        Sale(
            PurchaseId(row.purchase_id),
            FileId(row.file_id),
            State(row.state),
            tuple(row.marks.split()),
            Sat(row.amount_sat),
            Sat(row.received_sat),
            row.first_seen_at,
            row.settled_at,
            tuple(payments[row.purchase_id]),
            _is_refund_due(row),
        )
        for row in rows
    ]


def by_day(conn: Connection, seller_id: int, since: int) -> list[DaySales]:
    """Return what each day since ``since`` (Unix seconds) brought by each rail; days without sales are left out."""
    rows = conn.execute(_DAYS, {"seller": seller_id, "since": since})
    return [DaySales(row[0], row[1], row[2], Sat(row[3])) for row in rows]


def _is_refund_due(row: Row[*tuple[Any, ...]]) -> bool:
    """Return whether money came in for what was down by then: its buyer gets no share."""
    late = row.settled_at is None or (row.down_at is not None and row.settled_at > row.down_at)
    return row.down_at is not None and row.received_sat > 0 and late


def _payments(conn: Connection, purchase_ids: list[str]) -> dict[str, list[SalePayment]]:
    found: dict[str, list[SalePayment]] = defaultdict(list)
    for row in conn.execute(_PAYMENTS, ids(purchase_ids)):
        paid = SalePayment(row.rail, row.reference, Sat(row.amount_sat), PaymentStatus(row.status))
        found[row.purchase_id].append(paid)
    return found
