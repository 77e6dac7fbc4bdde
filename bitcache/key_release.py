"""Step 6, release: the grant, and the share it hands out.

A release cannot be undone, so it stands alone and is small.  :func:`grant_purchases` runs inside
the write that settled the invoices; :func:`share_for` answers whoever holds the claim secret.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, Integer, bindparam, func, insert, select, update

from bitcache import takedowns
from bitcache.errors import ClaimMismatch, PaymentRequired
from bitcache.identifiers import FileId, PurchaseId, claim_hash
from bitcache.storage.sqlite_only_sql import among_ids, ids
from bitcache.storage.tables import grant, listing, purchase, takedown

_GRANT = insert(grant).from_select(
    (grant.c.purchase_id, grant.c.file_id, grant.c.granted_at),
    select(purchase.c.id, purchase.c.file_id, bindparam("now", type_=Integer)).where(among_ids(purchase.c.id)),
)

_IS_DOWN = takedown.c.file_id == listing.c.file_id


@dataclass(frozen=True, slots=True)
class WrappedShare:
    """A gateway share as it lies in the database, and the file it belongs to."""

    file_id: FileId
    wrapped: bytes


def grant_purchases(conn: Connection, purchase_ids: Collection[str], now: int) -> None:
    """Write the grants of purchases that settled; a second one for the same purchase is refused by the table's key."""
    if purchase_ids:
        conn.execute(_GRANT, ids(purchase_ids) | {"now": now})


def mark_lost(conn: Connection, purchase_id: str, now: int) -> None:
    """Record that the payment behind a grant was undone; the first time stands."""
    lost_at = func.coalesce(grant.c.lost_at, now)
    conn.execute(update(grant).where(grant.c.purchase_id == purchase_id).values(lost_at=lost_at))


def mark_recovered(conn: Connection, purchase_id: str) -> None:
    """Record that the payment behind a grant came back."""
    conn.execute(update(grant).where(grant.c.purchase_id == purchase_id).values(lost_at=None))


def purchase_of_claim(conn: Connection, claim: str) -> PurchaseId:
    """Return the purchase that a claim secret belongs to; raise ClaimMismatch when nobody holds it."""
    purchase_id = conn.scalar(select(purchase.c.id).where(purchase.c.claim_hash == claim_hash(claim)))
    if purchase_id is None:
        raise ClaimMismatch("no purchase has this claim secret")
    return PurchaseId(purchase_id)


def share_for(conn: Connection, claim: str) -> WrappedShare:
    """Return the share that a claim opens; raise ClaimMismatch, PaymentRequired, or TakenDown (before it was paid)."""
    purchase_id = purchase_of_claim(conn, claim)
    rows = select(listing.c.file_id, listing.c.wrapped_share, grant.c.granted_at, takedown.c.reason, takedown.c.at)
    shared = rows.join(grant, grant.c.file_id == listing.c.file_id).outerjoin(takedown, _IS_DOWN)
    row = conn.execute(shared.where(grant.c.purchase_id == purchase_id)).first()
    if row is None:
        raise PaymentRequired(purchase_id=purchase_id)
    if takedowns.is_withheld(row.at, row.granted_at):
        raise takedowns.error_of(row.reason)
    return WrappedShare(FileId(row.file_id), row.wrapped_share)
