"""A purchase as its buyer sees it: the invoice, what was paid on it, and whether the file is released."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BindParameter, Connection, RowMapping, bindparam, select

from bitcache import takedowns
from bitcache.errors import NotFound
from bitcache.identifiers import FileId, PurchaseId
from bitcache.money import Sat, btc_text
from bitcache.rails import Rails
from bitcache.settlement import Mark, PaymentStatus, State
from bitcache.storage.tables import grant, invoice, payment, payment_request, purchase, takedown

_Row = RowMapping | Mapping[str, Any]

# Built once: building a statement takes several times as long as running it.
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_PURCHASES = (
    select(
        invoice,
        purchase.c.file_id,
        grant.c.granted_at,
        takedown.c.at.label("down_at"),
        takedown.c.reason.label("down_reason"),
    )
    .join(purchase, purchase.c.id == invoice.c.purchase_id)
    .outerjoin(grant, grant.c.purchase_id == invoice.c.purchase_id)
    .outerjoin(takedown, takedown.c.file_id == purchase.c.file_id)
    .where(invoice.c.purchase_id.in_(_IDS))
)
_REQUESTS = select(payment_request).where(payment_request.c.purchase_id.in_(_IDS)).order_by(payment_request.c.id)
#: Payments that survive, first seen first.
_PAYMENTS = (
    select(payment.c.purchase_id, payment.c.rail, payment.c.reference)
    .where(payment.c.purchase_id.in_(_IDS), payment.c.status != PaymentStatus.WITHDRAWN.value)
    .order_by(payment.c.seen_at, payment.c.reference)
)


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """One way to pay; without ``destination`` it is being prepared, or ``unavailable`` says why it cannot be had.

    ``payable_sat`` is what is due, raised to the least that this way carries; 0 when nothing is due.
    """

    rail: str
    destination: str | None
    uri: str | None
    payable_sat: Sat
    expires_at: int
    sees_unconfirmed: bool
    unavailable: str | None
    match_key: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PaymentReference:
    """A payment, as its rail calls it: on-chain its transaction."""

    rail: str
    reference: str


@dataclass(frozen=True, slots=True)
class Purchase:
    """The protocol's Purchase (docs/protocol.md §7).

    ``taken_down``: the operator took the file down before it was released to this buyer, who gets nothing; the reason.
    """

    purchase_id: PurchaseId
    file_id: FileId
    state: State
    marks: tuple[Mark, ...]
    amount_sat: Sat
    received_sat: Sat
    due_sat: Sat
    confirmed_sat: Sat
    payment_requests: tuple[PaymentRequest, ...]
    payments: tuple[PaymentReference, ...]
    confirmations: int
    confirmations_required: int
    created_at: int
    expires_at: int
    seen_at: int | None
    settled_at: int | None
    released: bool
    network: str
    taken_down: str | None = None

    @property
    def is_preparing(self) -> bool:
        """Whether some way to pay is not ready yet, and may become so."""
        return any(request.destination is None and not request.unavailable for request in self.payment_requests)

    @property
    def amount_btc(self) -> str:
        """The amount in BTC, as text."""
        return btc_text(self.amount_sat)


def view(conn: Connection, rails: Rails, purchase_id: PurchaseId) -> Purchase:
    """Return the purchase as it stands; raise NotFound."""
    for known_purchase in views(conn, rails, [purchase_id]).values():
        return known_purchase
    raise NotFound("no such purchase")


def views(conn: Connection, rails: Rails, purchase_ids: Sequence[PurchaseId]) -> dict[PurchaseId, Purchase]:
    """Return these purchases (a few hundred at most) as they stand; what does not exist is left out."""
    asked = {"ids": purchase_ids}
    requests: dict[str, list[_Row]] = defaultdict(list)
    for request in conn.execute(_REQUESTS, asked).mappings():
        requests[request["purchase_id"]].append(request)
    payments: dict[str, list[PaymentReference]] = defaultdict(list)
    for row in conn.execute(_PAYMENTS, asked):
        payments[row.purchase_id].append(PaymentReference(row.rail, rails.reference_text(row.rail, row.reference)))
    rows = conn.execute(_PURCHASES, asked).mappings()
    return {
        row["purchase_id"]: show(rails, row, requests[row["purchase_id"]], payments[row["purchase_id"]]) for row in rows
    }


def show(
    rails: Rails,
    row: _Row,
    requests: Iterable[_Row],
    payments: Iterable[PaymentReference] = (),
) -> Purchase:
    """Return a purchase from its rows: the columns of ``invoice``, file_id, granted_at, down_at and down_reason."""
    due = Sat(max(0, row["amount_sat"] - row["received_sat"]))
    withheld = takedowns.is_withheld(row["down_at"], row["granted_at"])
    return Purchase(
        purchase_id=PurchaseId(row["purchase_id"]),
        file_id=FileId(row["file_id"]),
        state=State(row["state"]),
        marks=tuple(Mark(mark) for mark in row["marks"].split()),
        amount_sat=Sat(row["amount_sat"]),
        received_sat=Sat(row["received_sat"]),
        due_sat=due,
        confirmed_sat=Sat(row["confirmed_sat"]),
        payment_requests=tuple(_request(rails, request, due, withheld=withheld) for request in requests),
        payments=tuple(dict.fromkeys(payments)),
        confirmations=row["confirmations"],
        confirmations_required=row["required_confirmations"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        seen_at=row["seen_at"],
        settled_at=row["settled_at"],
        released=row["granted_at"] is not None and not withheld,
        network=rails.network,
        taken_down=row["down_reason"] if withheld else None,
    )


def _request(rails: Rails, row: _Row, due: Sat, *, withheld: bool) -> PaymentRequest:
    rail, destination, unavailable = rails.get(row["rail"]), row["destination"], row["unavailable"]
    payable = Sat(max(due, row["minimum_sat"])) if due else due
    if due and row["asked_sat"] not in (None, due):
        destination, unavailable = None, "it asks for another amount than is still due"
    if withheld:
        destination, unavailable = None, "the operator of this gateway has taken the file down"
    return PaymentRequest(
        rail=row["rail"],
        destination=destination,
        uri=rail.uri(destination, payable) if rail is not None and destination is not None else None,
        payable_sat=payable,
        expires_at=row["expires_at"],
        sees_unconfirmed=rail is not None and rail.sees_unconfirmed,
        unavailable=unavailable if rail is not None else "this gateway offers it no longer",
        match_key=row["match_key"],
    )
