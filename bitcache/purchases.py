"""A purchase as its buyer sees it: the invoice, what was paid on it, and whether the file is released."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BindParameter, Connection, RowMapping, bindparam, or_, select

from bitcache.errors import NotFound
from bitcache.identifiers import FileId, PurchaseId
from bitcache.money import Sat, btc_text
from bitcache.payment_rail import Rail
from bitcache.settlement import Mark, State
from bitcache.storage.tables import grant, invoice, payment, payout, purchase

# Built once: building a statement takes several times as long as running it.
_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_PURCHASES = (
    select(invoice, purchase.c.file_id, payout.c.minimum_sat, grant.c.granted_at)
    .join(purchase, purchase.c.id == invoice.c.purchase_id)
    .join(payout, payout.c.id == invoice.c.payout_id)
    .outerjoin(grant, grant.c.purchase_id == invoice.c.purchase_id)
    .where(invoice.c.purchase_id.in_(_IDS))
)
#: Payments that survive, first seen first (a reference is ``txid:vout``).
_PAYMENTS = (
    select(payment.c.purchase_id, payment.c.reference)
    .where(payment.c.purchase_id.in_(_IDS), or_(payment.c.height.is_not(None), payment.c.unconfirmed == 1))
    .order_by(payment.c.seen_at, payment.c.reference)
)


@dataclass(frozen=True, slots=True)
class Purchase:
    """The protocol's Purchase (docs/protocol.md §7); ``key``, what the watcher looks for, stays inside."""

    purchase_id: PurchaseId
    file_id: FileId
    state: State
    marks: tuple[Mark, ...]
    amount_sat: Sat
    received_sat: Sat
    due_sat: Sat
    confirmed_sat: Sat
    address: str
    uri: str
    confirmations: int
    confirmations_required: int
    created_at: int
    expires_at: int
    seen_at: int | None
    settled_at: int | None
    released: bool
    txids: tuple[str, ...]
    network: str
    sees_mempool: bool
    key: bytes = field(repr=False)

    @property
    def amount_btc(self) -> str:
        """The amount in BTC, as text."""
        return btc_text(self.amount_sat)


def view(conn: Connection, rail: Rail, purchase_id: PurchaseId) -> Purchase:
    """The purchase as it stands; raises NotFound."""
    for known_purchase in views(conn, rail, [purchase_id]).values():
        return known_purchase
    raise NotFound("no such purchase")


def views(conn: Connection, rail: Rail, purchase_ids: Sequence[PurchaseId]) -> dict[PurchaseId, Purchase]:
    """These purchases (a few hundred at most) as they stand; what does not exist is left out."""
    asked = {"ids": purchase_ids}
    txids: dict[str, list[str]] = defaultdict(list)
    for row in conn.execute(_PAYMENTS, asked):
        txids[row.purchase_id].append(row.reference.partition(":")[0])
    rows = conn.execute(_PURCHASES, asked).mappings()
    return {row["purchase_id"]: show(rail, row, txids.get(row["purchase_id"], ())) for row in rows}


def show(rail: Rail, row: RowMapping | Mapping[str, Any], txids: Iterable[str] = ()) -> Purchase:
    """A purchase from its row: the columns of ``invoice``, and file_id, minimum_sat and granted_at.

    ``uri`` asks for what is due, but never for an output too small for the network to carry.
    """
    due = Sat(max(0, row["amount_sat"] - row["received_sat"]))
    return Purchase(
        purchase_id=PurchaseId(row["purchase_id"]),
        file_id=FileId(row["file_id"]),
        state=State(row["state"]),
        marks=tuple(Mark(mark) for mark in row["marks"].split()),
        amount_sat=Sat(row["amount_sat"]),
        received_sat=Sat(row["received_sat"]),
        due_sat=due,
        confirmed_sat=Sat(row["confirmed_sat"]),
        address=row["address"],
        uri=rail.uri(row["address"], Sat(max(due, row["minimum_sat"])) if due else due),
        confirmations=row["confirmations"],
        confirmations_required=row["required_confirmations"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        seen_at=row["seen_at"],
        settled_at=row["settled_at"],
        released=row["granted_at"] is not None,
        txids=tuple(dict.fromkeys(txids)),
        network=rail.network,
        sees_mempool=rail.sees_unconfirmed,
        key=row["key"],
    )
