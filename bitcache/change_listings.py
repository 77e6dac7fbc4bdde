"""What a seller changes of a listing: price and description, for new invoices alone.

The bytes, their hashes and both shares stay the signed ones, so whoever bought opens the file as before; an invoice
asks for what it was issued for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, select, update

from bitcache import event_log, listings, money, sellers
from bitcache.errors import InvalidManifest, NotFound
from bitcache.event_log import EventKind
from bitcache.identifiers import FileId
from bitcache.listings import Listing
from bitcache.sealing import manifest as manifests
from bitcache.sealing.manifest import Manifest
from bitcache.storage.tables import listing
from bitcache.verify_listing import check_metadata

#: Members of a manifest that say which file it is, and how it is opened.
_FIXED = ("file_id", "sealed_size", "header", "group_root", "share_hash", "preview_hash")


@dataclass(frozen=True, slots=True)
class ListingChange:
    """A manifest that differs in price, metadata and the key that signed it, at the most."""

    manifest: str
    signature: bytes
    meta: bytes = field(repr=False)


def change(
    conn: Connection,
    seller_id: int,
    file_id: FileId,
    wanted: ListingChange,
    now: int,
    *,
    highest_price_sat: int | None = None,
) -> Listing:
    """Sell a file on these terms from now on; the same again changes nothing.

    Raise NotFound, InvalidManifest, InvalidAmount, BelowDust, PriceTooHigh.
    """
    row = row_of(conn, seller_id, file_id)
    signed = manifests.verify(wanted.manifest, wanted.signature)
    check_metadata(wanted.meta, signed)
    _refuse_another_file(manifests.parse(row.manifest), signed)
    minimum = sellers.minimum_of(conn, seller_id)
    money.price(signed.price_sat, dust=min(money.DUST.values()) if minimum is None else minimum)
    money.check_highest(signed.price_sat, highest_price_sat)
    values = {
        "price_sat": signed.price_sat,
        "manifest": wanted.manifest,
        "signature": wanted.signature,
        "meta": wanted.meta,
    }
    if any(getattr(row, name) != value for name, value in values.items()):
        conn.execute(update(listing).where(listing.c.file_id == file_id).values(values))
        event_log.add(conn, [(EventKind.LISTING_CHANGED, file_id)], now)
    return listings.own(conn, seller_id, file_id)


def row_of(conn: Connection, seller_id: int, file_id: FileId) -> Row[Any]:
    """Return this seller's listing as it is stored; raise NotFound for another's too."""
    mine = select(listing).where(listing.c.file_id == file_id, listing.c.seller_id == seller_id)
    row = conn.execute(mine).first()
    if row is None:
        raise NotFound("no such file")
    return row


def _refuse_another_file(present: Manifest, wanted: Manifest) -> None:
    for name in _FIXED:
        if getattr(present, name) != getattr(wanted, name):
            raise InvalidManifest(
                f"{name} is not that of the file on sale", hint="Only price_sat and the metadata can change."
            )
