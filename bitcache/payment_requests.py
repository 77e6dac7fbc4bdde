"""Payment requests: the ways to pay one invoice, made with it or added when a buyer asks.

One of a deriving rail is ready at once.  One of a preparing rail is first *preparing*, then ready or unavailable; see
bitcache/remote_payment_requests.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, exists, insert, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from bitcache import address_allocation, event_log, takedowns, wallet_connections
from bitcache.address_allocation import Account, DerivedAddress
from bitcache.address_journal import AddressJournal
from bitcache.errors import BadInput, InvoiceClosed, NotFound, RailUnavailable, TooManyInvoices
from bitcache.event_log import EventKind
from bitcache.identifiers import FileId, PurchaseId
from bitcache.money import Sat
from bitcache.payment_rail import AwaitedRequest, PreparedRequest, PreparingRail, RequestOrder
from bitcache.payments import owners, record
from bitcache.rails import Rails, Scope, scope_of
from bitcache.settlement import State
from bitcache.storage.tables import (
    invoice,
    listing,
    payment_request,
    payout,
    purchase,
    seller,
    takedown,
    wallet_connection,
)

#: So many ways to pay one invoice, those that expired or failed included.
MOST_OF_ONE_INVOICE = 8

# Built once: building a statement takes several times as long as running it.
INSERT = insert(payment_request)
_OF_PURCHASE = select(payment_request).where(payment_request.c.purchase_id == bindparam("purchase"))
_INVOICE = (
    select(
        invoice,
        purchase.c.file_id,
        payout.c.account,
        payout.c.rail,
        payout.c.minimum_sat,
        payout.c.next_index,
        seller.c.connection_id,
        wallet_connection.c.rail.label("connection_rail"),
    )
    .join(purchase, purchase.c.id == invoice.c.purchase_id)
    .join(listing, listing.c.file_id == purchase.c.file_id)
    .join(seller, seller.c.id == listing.c.seller_id)
    .join(payout, payout.c.id == invoice.c.payout_id)
    .outerjoin(wallet_connection, wallet_connection.c.id == seller.c.connection_id)
    .where(invoice.c.purchase_id == bindparam("purchase"))
)
_PREPARING = (payment_request.c.destination.is_(None), payment_request.c.unavailable.is_(None))
_ORDERS = (
    select(payment_request, invoice.c.amount_sat, invoice.c.received_sat.label("paid_sat"), purchase.c.file_id)
    .join(invoice, invoice.c.purchase_id == payment_request.c.purchase_id)
    .join(purchase, purchase.c.id == invoice.c.purchase_id)
    .where(*_PREPARING)
    .order_by(payment_request.c.id)
)
_ORDERS_OF = _ORDERS.where(payment_request.c.purchase_id.in_(bindparam("purchases", expanding=True)))
_OPEN = exists().where(invoice.c.purchase_id == payment_request.c.purchase_id, invoice.c.state == State.NEW.value)
_DOWN = exists().where(purchase.c.id == payment_request.c.purchase_id, takedown.c.file_id == purchase.c.file_id)
_END = (
    update(payment_request)
    .where(payment_request.c.id == bindparam("request"), *_PREPARING)
    .returning(payment_request.c.purchase_id)
)
_ATTACHED = ("destination", "match_key", "expires_at", "asked_sat", "status_url")
_ATTACH = _END.where(_OPEN, ~_DOWN).values({name: bindparam(f"new_{name}") for name in _ATTACHED})
_FAIL = _END.values(unavailable=bindparam("reason"))

Order = tuple[str, RequestOrder]  #: the rail's name, and what it is to prepare


def derived_row(rails: Rails, invoice_row: dict[str, Any], place: DerivedAddress, minimum_sat: int) -> dict[str, Any]:
    """Return the row of a ready request at a destination of the seller's account."""
    index, destination = place
    return _row(rails.deriving.name, rails.deriving.scope, invoice_row, minimum_sat) | {
        "destination": destination.text,
        "match_key": destination.match_key,
        "payout_id": invoice_row["payout_id"],
        "key_index": index,
    }


def preparing_row(rail: PreparingRail, scope: str, invoice_row: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a request that the rail is to prepare."""
    return _row(rail.name, scope, invoice_row, rail.minimum)


def _row(rail: str, scope: str, invoice_row: dict[str, Any], minimum_sat: int) -> dict[str, Any]:
    return {
        "purchase_id": invoice_row["purchase_id"],
        "rail": rail,
        "scope": scope,
        "destination": None,
        "match_key": None,
        "minimum_sat": minimum_sat,
        "asked_sat": None,
        "status_url": None,
        "expires_at": invoice_row["expires_at"],
        "unavailable": None,
        "payout_id": None,
        "key_index": None,
        "received_sat": 0,
        "created_at": invoice_row["created_at"],
    }


def add(
    conn: Connection, rails: Rails, purchase_id: PurchaseId, rail: str, now: int, journal: AddressJournal | None
) -> bool:
    """Add a way to pay to an open invoice; return False when it has that one already.

    Raise UnknownRail, NotFound, TakenDown, InvoiceClosed, TooManyInvoices, and what the rail raises.
    """
    rails[rail]
    row = conn.execute(_INVOICE, {"purchase": purchase_id}).mappings().first()
    if row is None:
        raise NotFound("no such purchase")
    takedowns.refuse_taken_down(conn, FileId(row["file_id"]))
    present = conn.execute(_OF_PURCHASE, {"purchase": purchase_id}).all()
    due = row["amount_sat"] - row["received_sat"]
    if any(request.rail == rail and _usable(request, now, due) for request in present):
        return False
    if row["state"] != State.NEW or row["expires_at"] < now:
        raise InvoiceClosed
    if len(present) >= MOST_OF_ONE_INVOICE:
        raise TooManyInvoices("this invoice has had too many ways to pay", hint="Pay in one of those that it shows.")
    invoice_row = {**row, "created_at": now}
    if rail == rails.deriving.name:
        if row["rail"] != rail or row["amount_sat"] < row["minimum_sat"]:
            raise RailUnavailable("this cannot be paid on the chain", hint="Pay in one of the other ways.")
        account = Account(row["payout_id"], row["account"], row["next_index"])
        [place] = address_allocation.allocate(conn, rails.deriving, account, 1, now, journal)
        conn.execute(INSERT, derived_row(rails, invoice_row, place, row["minimum_sat"]))
    else:
        asked = rails.preparing_rail(rail)
        scope = scope_of(asked, connected(row))
        if scope is None:
            raise RailUnavailable(f"this seller cannot be paid by {rail}", hint="Pay in one of the other ways.")
        conn.execute(INSERT, preparing_row(asked, scope, invoice_row))
    _tell(conn, purchase_id, now)
    return True


def _usable(request: Row[Any], now: int, due: int) -> bool:
    return request.unavailable is None and request.expires_at >= now and request.asked_sat in (None, due)


def connected(row: Any) -> Scope | None:
    """Return the wallet that the seller connected: ``row`` has the columns connection_rail and connection_id."""
    rail, connection_id = row["connection_rail"], row["connection_id"]
    return None if connection_id is None else Scope(rail, wallet_connections.scope_of(rail, connection_id))


def orders(conn: Connection, purchase_ids: Sequence[str] | None = None) -> list[Order]:
    """Return what is to be prepared, of these purchases or (None) of all."""
    rows = conn.execute(_ORDERS) if purchase_ids is None else conn.execute(_ORDERS_OF, {"purchases": purchase_ids})
    return [
        (
            row.rail,
            RequestOrder(
                request_id=row.id,
                scope=row.scope,
                purchase_id=PurchaseId(row.purchase_id),
                file_id=FileId(row.file_id),
                due=Sat(max(row.amount_sat - row.paid_sat, row.minimum_sat)),
                expires_at=row.expires_at,
            ),
        )
        for row in rows.all()
    ]


def attach(conn: Connection, order: RequestOrder, prepared: PreparedRequest, now: int) -> bool:
    """Make the request ready; return False when it is not wanted any more, or its key was given out before."""
    key = prepared.destination.match_key
    if owners(conn, order.scope, [key]):
        fail(conn, order, "the wallet gave the same payment request twice", now)
        return False
    values = {
        "new_destination": prepared.destination.text,
        "new_match_key": key,
        "new_expires_at": min(order.expires_at, prepared.expires_at),
        "new_asked_sat": prepared.amount,
        "new_status_url": prepared.status_url,
    }
    if _end(conn, _ATTACH, order, values, now):
        return True
    fail(conn, order, "the invoice was closed before this was ready", now)
    return False


def fail(conn: Connection, order: RequestOrder, reason: str, now: int) -> None:
    """End a request that cannot be had; ``reason`` is for people to read."""
    _end(conn, _FAIL, order, {"reason": reason}, now)


def _end(
    conn: Connection, statement: ReturningUpdate[tuple[str]], order: RequestOrder, values: dict[str, Any], now: int
) -> bool:
    """End the preparation, unless it ended already."""
    ended = conn.execute(statement, {**values, "request": order.request_id}).first()
    if ended is not None:
        _tell(conn, ended.purchase_id, now)
    return ended is not None


def _tell(conn: Connection, purchase_id: str, now: int) -> None:
    event_log.add(conn, [(EventKind.PURCHASE_CHANGED, purchase_id)], now)


_AWAITED = (
    select(payment_request)
    .join(invoice, invoice.c.purchase_id == payment_request.c.purchase_id)
    .where(
        payment_request.c.scope == bindparam("scope"),
        payment_request.c.destination.is_not(None),
        payment_request.c.received_sat == 0,
        payment_request.c.expires_at > bindparam("since"),
    )
    .order_by(payment_request.c.created_at, payment_request.c.id)
)


def awaited(conn: Connection, scope: str, since: int) -> list[AwaitedRequest]:
    """Return the ready requests of a scope on which nothing came in, and that were payable after ``since``."""
    return [
        AwaitedRequest(row.match_key, row.destination, row.created_at, row.expires_at, row.status_url)
        for row in conn.execute(_AWAITED, {"scope": scope, "since": since})
    ]


def show_receipt(conn: Connection, rails: Rails, purchase_id: PurchaseId, proof: bytes, now: int) -> None:
    """Record what a buyer's proof of payment shows; raise BadInput when it shows no payment of this purchase."""
    for request in conn.execute(_OF_PURCHASE, {"purchase": purchase_id}).all():
        rail = next((rail for rail in rails.preparing if rail.name == request.rail), None)
        if rail is not None and request.destination is not None:
            payment = rail.receipt(request.destination, proof)
            if payment is not None:
                return record(conn, request.scope, [payment], now)
    raise BadInput("this is no proof of a payment for this purchase", hint="Copy the preimage from your wallet.")
