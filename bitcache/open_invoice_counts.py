"""How many unpaid invoices are open, by network, listing and account and in all: kept, because counting takes time.

A row of ``open_count`` for each, changed in the same write as the invoices.  An invoice counts from when it is made
until enough was seen for it, it closes, or its time is up, whatever comes first; in that moment it is forgotten from
which networks it was asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, delete, select, update

from bitcache.buyer_networks import Networks
from bitcache.identifiers import FileId
from bitcache.storage.sqlite_only_sql import among_ids, ids, upsert
from bitcache.storage.tables import invoice, open_count, purchase

#: So many overdue invoices are looked at in one write: a stop of some days may leave thousands.
MOST_OVERDUE = 500
EVERYTHING = "all"

# Built once: building a statement takes several times as long as running it.
_COUNTS = select(open_count).where(among_ids(open_count.c.key))
_COUNTED = (
    select(purchase.c.id, purchase.c.file_id, purchase.c.networks, invoice.c.payout_id)
    .join(invoice, invoice.c.purchase_id == purchase.c.id)
    .where(purchase.c.counted_until.is_not(None))
)
_OVERDUE = _COUNTED.where(purchase.c.counted_until <= bindparam("now")).order_by(purchase.c.counted_until)
_OVERDUE = _OVERDUE.limit(MOST_OVERDUE)
_AMONG = _COUNTED.where(among_ids(purchase.c.id))
_FORGET = update(purchase).where(among_ids(purchase.c.id)).values(networks=None, counted_until=None)
_ADD = upsert(open_count, keys=("key",), changes=lambda new: {"count": open_count.c.count + new["count"]})
_DROP_EMPTY = delete(open_count).where(among_ids(open_count.c.key), open_count.c.count <= 0)


class CountedPlace(NamedTuple):
    """Where one invoice counts."""

    file_id: FileId
    payout_id: int
    networks: Networks

    def counters(self) -> tuple[str, ...]:
        """Return the keys of its counts: networks smallest first, listing, account, everything."""
        return _counters(self)


@lru_cache(maxsize=1_024)
def _counters(place: CountedPlace) -> tuple[str, ...]:
    networks = [f"network {key.hex()}" for key in place.networks.keys]
    return *networks, f"listing {place.file_id}", f"account {place.payout_id}", EVERYTHING


class OpenCounts:
    """The counts during one write: what is stored, and what this write adds."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._known: dict[str, int] = {}

    def load(self, places: Iterable[CountedPlace]) -> None:
        """Read all counts of these places at once."""
        wanted = {key for place in places for key in place.counters()} - self._known.keys()
        self._known |= dict.fromkeys(wanted, 0)
        self._known |= {row.key: row.count for row in self._conn.execute(_COUNTS, ids(wanted))}

    def of(self, place: CountedPlace) -> list[int]:
        """Return the counts, in the order of :meth:`Place.counters`; the place was loaded."""
        return [self._known[key] for key in place.counters()]

    def reserve(self, place: CountedPlace) -> None:
        """Count one more in this write; :func:`add` stores it."""
        for key in place.counters():
            self._known[key] += 1


def add(conn: Connection, places: Collection[CountedPlace]) -> None:
    """Store that an invoice was opened at each of these places."""
    _change(conn, Counter(key for place in places for key in place.counters()))


def release(conn: Connection, purchase_ids: Collection[str]) -> None:
    """Count these no longer; from where they were asked for is forgotten."""
    _release(conn, conn.execute(_AMONG, ids(purchase_ids)).all())


def release_overdue(conn: Connection, now: int) -> None:
    """Count no longer what nobody paid in time, also while the chain is not known so far and the invoice is open."""
    _release(conn, conn.execute(_OVERDUE, {"now": now}).all())


def _release(conn: Connection, rows: Sequence[Row[*tuple[Any, ...]]]) -> None:
    if not rows:
        return
    places = [CountedPlace(row.file_id, row.payout_id, Networks.unpack(row.networks)) for row in rows]
    gone = Counter(key for place in places for key in place.counters())
    _change(conn, {key: -count for key, count in gone.items()})
    conn.execute(_DROP_EMPTY, ids(gone))
    conn.execute(_FORGET, ids(row.id for row in rows))


def _change(conn: Connection, changes: Mapping[str, int]) -> None:
    if changes:
        conn.execute(_ADD, [{"key": key, "count": count} for key, count in changes.items()])
