"""What an operator sees of the sellers: who, how much is kept, how much was sold; of the files themselves nothing."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Subquery, Table, func, select

from bitcache.money import Sat
from bitcache.storage.tables import access_token, listing, listing_sales, seller, upload

_SUMS = ("settled", "pending", "received_sat")


@dataclass(frozen=True, slots=True)
class SellerOverview:
    """One seller.  Times in Unix seconds; ``last_seen`` None: no session and no token was ever used."""

    id: int
    name: str
    created_at: int
    last_seen: int | None
    listings: int
    uploads: int
    sealed_bytes: int
    settled: int
    pending: int
    received_sat: Sat


def sellers_overview(conn: Connection, most: int) -> list[SellerOverview]:
    """Return those who keep the most bytes here, ``most`` of them."""
    listed, announced = _kept(listing, listing.c.removed_at.is_(None)), _kept(upload)
    sold, seen = _sold(), _seen()
    size = func.coalesce(listed.c.size, 0) + func.coalesce(announced.c.size, 0)
    rows = (
        select(
            seller.c.id,
            seller.c.name,
            seller.c.created_at,
            seen.c.at.label("last_seen"),
            func.coalesce(listed.c.number, 0).label("listings"),
            func.coalesce(announced.c.number, 0).label("uploads"),
            size.label("sealed_bytes"),
            *[func.coalesce(sold.c[name], 0).label(name) for name in _SUMS],
        )
        .select_from(seller)
        .outerjoin(listed, listed.c.seller_id == seller.c.id)
        .outerjoin(announced, announced.c.seller_id == seller.c.id)
        .outerjoin(sold, sold.c.seller_id == seller.c.id)
        .outerjoin(seen, seen.c.seller_id == seller.c.id)
        .order_by(size.desc(), seller.c.id)
        .limit(most)
    )
    found = conn.execute(rows).mappings()
    return [SellerOverview(**{**row, "received_sat": Sat(row["received_sat"])}) for row in found]


def _kept(table: Table, *which: ColumnElement[bool]) -> Subquery:
    number, size = func.count().label("number"), func.sum(table.c.sealed_size).label("size")
    return select(table.c.seller_id, number, size).where(*which).group_by(table.c.seller_id).subquery()


def _sold() -> Subquery:
    sums = [func.sum(listing_sales.c[name]).label(name) for name in _SUMS]
    of_listings = select(listing.c.seller_id, *sums).join(listing_sales, listing_sales.c.file_id == listing.c.file_id)
    return of_listings.group_by(listing.c.seller_id).subquery()


def _seen() -> Subquery:
    at = func.max(access_token.c.last_used_at).label("at")
    return select(access_token.c.seller_id, at).group_by(access_token.c.seller_id).subquery()
