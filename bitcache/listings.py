"""Step 2, listing: everything that can be checked is checked, then the file is for sale.

The order is what makes it safe: verify the stored bytes, move them into place, insert the row.  The row
alone makes a file visible, so a crash in between leaves an upload that can be listed again.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, tuple_

from bitcache import event_log, money, sales_totals, sellers, takedowns, uploads
from bitcache.blob_store import BlobStore
from bitcache.errors import InvalidManifest, NotFound, SalesPaused, UploadExists, UploadIncomplete
from bitcache.event_log import EventKind
from bitcache.identifiers import FileId
from bitcache.listing_limits import Limits, check_limits
from bitcache.master_key import MasterKey
from bitcache.money import Sat
from bitcache.sales_totals import Sales
from bitcache.sealing.manifest import Manifest
from bitcache.storage.database import Store
from bitcache.storage.tables import listing, listing_sales, takedown
from bitcache.verify_listing import ListingRequest, check_request, verify_stored

__all__ = ["Listing", "ListingRequest", "PublicListing", "get", "of_seller", "own", "publish"]


@dataclass(frozen=True, slots=True)
class Listing:
    """A file on sale, or that was: ``stopped`` is paused or withdrawn, ``taken_down`` the operator's reason.

    ``paid``: purchases settled or pending, which count against ``limits``.
    Of a deleted one the bytes are kept until ``kept_until`` at least; ``removed_at``: they are gone.  Unix seconds.
    """

    file_id: FileId
    seller_id: int
    price: Sat
    sealed_size: int
    created_at: int
    stopped: str | None = None
    kept_until: int | None = None
    removed_at: int | None = None
    taken_down: str | None = None
    limits: Limits = field(default_factory=Limits)
    paid: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicListing(Listing):
    """A listing with what its buyers check before they pay."""

    manifest: str
    signature: bytes
    groups: bytes = field(repr=False)
    meta: bytes = field(repr=False)
    preview: bytes | None = field(repr=False)


# Built once: building a statement takes several times as long as running it.
_PAGE = (
    select(
        listing.c.file_id,
        listing.c.seller_id,
        listing.c.price_sat,
        listing.c.sealed_size,
        listing.c.created_at,
        listing.c.stopped,
        listing.c.kept_until,
        listing.c.removed_at,
        listing.c.sell_until,
        listing.c.most_sales,
        takedown.c.reason.label("taken_down"),
        listing_sales.c.settled,
        listing_sales.c.pending,
        listing_sales.c.received_sat,
    )
    .outerjoin(listing_sales, listing_sales.c.file_id == listing.c.file_id)
    .outerjoin(takedown, takedown.c.file_id == listing.c.file_id)
    .order_by(listing.c.created_at.desc(), listing.c.file_id.desc())
)
_WHOLE = (
    select(listing, listing_sales.c.settled, listing_sales.c.pending, listing_sales.c.received_sat)
    .outerjoin(listing_sales, listing_sales.c.file_id == listing.c.file_id)
    .where(listing.c.file_id == bindparam("file_id"))
)
_PLACE = select(listing.c.created_at, listing.c.file_id).where(
    listing.c.file_id == bindparam("file_id"), listing.c.seller_id == bindparam("seller_id")
)


async def publish(
    store: Store,
    blobs: BlobStore,
    master_key: MasterKey,
    seller_id: int,
    request: ListingRequest,
    now: int,
    *,
    payout_required: bool = True,
    highest_price_sat: int | None = None,
) -> Listing:
    """Put an upload on sale; the same request again returns the same listing, another one raises UploadExists.

    The same again changes no limits.
    Raise InvalidManifest, InvalidAmount, BelowDust, PriceTooHigh, InvalidLimit, SalesPaused (no payout),
    NotFound (no such upload), UploadIncomplete, UploadCorrupt (the stored bytes are not those of the manifest),
    StorageError.
    """
    manifest = check_request(request)
    file_id = manifest.file_id

    def prepare(conn: Connection) -> Listing | None:
        known_listing = _listed(conn, seller_id, file_id, request)
        if known_listing is None:
            check_limits(asdict(request.limits), now)
            _check_price(conn, seller_id, manifest, payout_required)
            money.check_highest(manifest.price_sat, highest_price_sat)
            _check_size(uploads.length_of(conn, seller_id, file_id), manifest)
        return known_listing

    def finish(conn: Connection) -> Listing:
        known_listing = _listed(conn, seller_id, file_id, request)
        return known_listing or _insert(
            conn, seller_id, manifest, request, master_key.wrap(request.share, file_id), now
        )

    async with blobs.lock(file_id):
        prepared = await store.read(prepare)
        if prepared is not None:
            return prepared
        if blobs.arrived(file_id).size < manifest.sealed_size:
            raise UploadIncomplete
        await blobs.verify(file_id, lambda pieces: verify_stored(pieces, manifest, request.groups))
        await blobs.commit(file_id)
        return await store.write(finish)


def get(conn: Connection, file_id: FileId) -> PublicListing:
    """Return the listing and what goes with it; raise NotFound, TakenDown."""
    takedowns.refuse_taken_down(conn, file_id)
    row = conn.execute(_WHOLE, {"file_id": file_id}).first()
    if row is None:
        raise NotFound("no such file")
    return PublicListing(
        file_id=FileId(row.file_id),
        seller_id=row.seller_id,
        price=Sat(row.price_sat),
        sealed_size=row.sealed_size,
        created_at=row.created_at,
        stopped=row.stopped,
        kept_until=row.kept_until,
        removed_at=row.removed_at,
        limits=_limits(row),
        paid=_paid(row),
        manifest=row.manifest,
        signature=row.signature,
        groups=row.groups,
        meta=row.meta,
        preview=row.preview,
    )


def own(conn: Connection, seller_id: int, file_id: FileId) -> Listing:
    """Return a seller's own listing, taken down or not; raise NotFound for another's too."""
    row = conn.execute(_PAGE.where(listing.c.file_id == file_id, listing.c.seller_id == seller_id)).first()
    if row is None:
        raise NotFound("no such file")
    return _listing(row)


def why_not_sold(conn: Connection, offer: Listing, now: int) -> str | None:
    """Return the code of what stops this file from being sold, if anything does."""
    ended = offer.limits.why_ended(offer.paid, now)
    return offer.stopped or ended or sellers.why_paused(conn, offer.seller_id, offer.price)


def of_seller(
    conn: Connection, seller_id: int, *, most: int = 100, after: FileId | None = None
) -> list[tuple[Listing, Sales]]:
    """Return a seller's listings, newest first, with what each has sold; not those whose bytes are gone.

    ``most`` of them at the most, those after the listing ``after`` if one is given.  Raise NotFound when the
    seller has no such listing.
    """
    page = _PAGE.where(listing.c.seller_id == seller_id, listing.c.removed_at.is_(None)).limit(most)
    if after is not None:
        last = conn.execute(_PLACE, {"file_id": after, "seller_id": seller_id}).first()
        if last is None:
            raise NotFound("no such file")
        page = page.where(tuple_(listing.c.created_at, listing.c.file_id) < tuple_(last.created_at, last.file_id))
    return [(_listing(row), sales_totals.of_row(row)) for row in conn.execute(page)]


def _listing(row: Row[*tuple[Any, ...]]) -> Listing:
    return Listing(
        FileId(row.file_id),
        row.seller_id,
        Sat(row.price_sat),
        row.sealed_size,
        row.created_at,
        row.stopped,
        row.kept_until,
        row.removed_at,
        row.taken_down,
        _limits(row),
        _paid(row),
    )


def _limits(row: Row[*tuple[Any, ...]]) -> Limits:
    return Limits(row.sell_until, row.most_sales)


def _paid(row: Row[*tuple[Any, ...]]) -> int:
    return sales_totals.of_row(row).paid


def _listed(conn: Connection, seller_id: int, file_id: FileId, request: ListingRequest) -> Listing | None:
    """Return the listing, if this very request made it; UploadExists if another one did.

    The manifest fixes everything else, for the request was checked against it.
    """
    row = conn.execute(select(listing).where(listing.c.file_id == file_id)).first()
    if row is None:
        return None
    if (row.seller_id, row.manifest, row.signature) != (seller_id, request.manifest, request.signature):
        raise UploadExists
    return own(conn, seller_id, file_id)


def _check_price(conn: Connection, seller_id: int, manifest: Manifest, payout_required: bool) -> None:
    minimum = sellers.minimum_of(conn, seller_id)
    if minimum is None and payout_required:
        raise SalesPaused(
            "there is no account to be paid to", hint="Set up the payout first.", reason=sellers.NO_PAYOUT
        )
    money.price(manifest.price_sat, dust=min(money.DUST.values()) if minimum is None else minimum)


def _check_size(announced: int, manifest: Manifest) -> None:
    if manifest.sealed_size != announced:
        raise InvalidManifest(f"the manifest is for {manifest.sealed_size} bytes, the upload has {announced}")


def _insert(
    conn: Connection, seller_id: int, manifest: Manifest, request: ListingRequest, wrapped: bytes, now: int
) -> Listing:
    row = insert(listing).values(
        file_id=manifest.file_id,
        seller_id=seller_id,
        price_sat=manifest.price_sat,
        sealed_size=manifest.sealed_size,
        manifest=request.manifest,
        signature=request.signature,
        groups=request.groups,
        meta=request.meta,
        preview=request.preview,
        wrapped_share=wrapped,
        created_at=now,
        **asdict(request.limits),
    )
    conn.execute(row)
    event_log.add(conn, [(EventKind.LISTING_CREATED, manifest.file_id)], now)
    uploads.remove(conn, manifest.file_id)
    return own(conn, seller_id, manifest.file_id)
