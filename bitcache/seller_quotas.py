"""What one seller may keep here: bytes, listings and unfinished uploads; told before the first byte is sent."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Table, func, select

from bitcache.account_errors import QuotaExceeded
from bitcache.errors import TooManyUploads
from bitcache.storage.tables import listing, upload


@dataclass(frozen=True, slots=True)
class SellerQuota:
    """The most of each that one seller may have, or has; ``bytes`` counts what unfinished uploads announced, too."""

    bytes: int
    listings: int
    uploads: int


def used(conn: Connection, seller_id: int) -> SellerQuota:
    """Return what a seller has."""
    listings, listed_bytes = _count(conn, listing, listing.c.seller_id == seller_id, listing.c.removed_at.is_(None))
    uploads, announced_bytes = _count(conn, upload, upload.c.seller_id == seller_id)
    return SellerQuota(listed_bytes + announced_bytes, listings, uploads)


def check_room(conn: Connection, seller_id: int, sealed_size: int, most: SellerQuota) -> None:
    """Raise TooManyUploads or QuotaExceeded unless a seller may upload and list ``sealed_size`` bytes more."""
    has = used(conn, seller_id)
    if has.uploads >= most.uploads:
        raise TooManyUploads(f"{most.uploads} uploads wait to be finished", most=most.uploads)
    if has.listings + has.uploads >= most.listings:
        raise QuotaExceeded(f"a seller may have {most.listings} files here", most=most.listings, of="listings")
    if has.bytes + sealed_size > most.bytes:
        left = max(0, most.bytes - has.bytes)
        raise QuotaExceeded(
            f"a seller may keep {most.bytes} bytes here; {left} are left, and this file needs {sealed_size}",
            most=most.bytes,
            of="bytes",
        )


def _count(conn: Connection, table: Table, *which: ColumnElement[bool]) -> tuple[int, int]:
    sums = select(func.count(), func.coalesce(func.sum(table.c.sealed_size), 0))
    number, size = conn.execute(sums.where(*which)).one()
    return number, size
