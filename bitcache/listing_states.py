"""Whether a file is sold: on sale, within limits, paused, withdrawn for good; and deleted, after its buyers' time.

Open invoices are not touched: who pays one has the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from sqlalchemy import Connection, exists, func, select, update

from bitcache import event_log
from bitcache.change_listings import row_of
from bitcache.event_log import EventKind
from bitcache.identifiers import FileId
from bitcache.listing_errors import ListingWithdrawn
from bitcache.listing_limits import check_limits
from bitcache.settlement import State
from bitcache.storage.tables import grant, invoice, listing, purchase


class ListingState(StrEnum):
    """Whether new invoices are made; the values of those that stop are reasons of SalesPaused, too."""

    ON_SALE = "on_sale"
    PAUSED = "paused"
    WITHDRAWN = "withdrawn"


def set_state(conn: Connection, seller_id: int, file_id: FileId, state: ListingState, now: int) -> None:
    """Sell a file, or stop; raise NotFound, ListingWithdrawn."""
    row = row_of(conn, seller_id, file_id)
    stopped = None if state is ListingState.ON_SALE else state.value
    if row.stopped == stopped:
        return
    if row.stopped == ListingState.WITHDRAWN:
        raise ListingWithdrawn
    conn.execute(update(listing).where(listing.c.file_id == file_id).values(stopped=stopped))
    event_log.add(conn, [(EventKind.LISTING_CHANGED, file_id)], now)


def limit(conn: Connection, seller_id: int, file_id: FileId, wanted: Mapping[str, int | None], now: int) -> None:
    """Set members of Limits, or remove those that are None; the same again changes nothing.

    Raise NotFound, InvalidLimit, ListingWithdrawn.
    """
    row = row_of(conn, seller_id, file_id)
    values = {name: value for name, value in wanted.items() if getattr(row, name) != value}
    if not values:
        return
    if row.stopped == ListingState.WITHDRAWN:
        raise ListingWithdrawn
    check_limits(values, now)
    conn.execute(update(listing).where(listing.c.file_id == file_id).values(values))
    event_log.add(conn, [(EventKind.LISTING_CHANGED, file_id)], now)


def delete(conn: Connection, seller_id: int, file_id: FileId, now: int, keep_seconds: int) -> None:
    """Withdraw a file, and remove its bytes once nobody may download them any more; raise NotFound.

    Buyers have ``keep_seconds`` from now, or from the release of their share if that is later.
    """
    row = row_of(conn, seller_id, file_id)
    if row.kept_until is not None:
        return
    set_state(conn, seller_id, file_id, ListingState.WITHDRAWN, now)
    conn.execute(update(listing).where(listing.c.file_id == file_id).values(kept_until=now + keep_seconds))


def due_for_removal(conn: Connection, now: int, keep_seconds: int) -> list[FileId]:
    """Return the deleted files whose bytes may go: no invoice is open, and every buyer has had the time."""
    open_states = [State.NEW.value, State.PROCESSING.value]
    of_listing = purchase.c.file_id == listing.c.file_id
    is_open = exists().where(of_listing, invoice.c.purchase_id == purchase.c.id, invoice.c.state.in_(open_states))
    last = select(func.max(grant.c.granted_at)).where(grant.c.file_id == listing.c.file_id).scalar_subquery()
    due = select(listing.c.file_id).where(
        listing.c.kept_until <= now,
        listing.c.removed_at.is_(None),
        ~is_open,
        func.coalesce(last, 0) + keep_seconds <= now,
    )
    return [FileId(file_id) for file_id in conn.scalars(due)]


def mark_removed(conn: Connection, file_id: FileId, now: int) -> None:
    """Note that the bytes are gone."""
    conn.execute(update(listing).where(listing.c.file_id == file_id).values(removed_at=now))
