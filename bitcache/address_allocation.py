"""Fresh addresses of an account: each is given out once, for ever."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select, update

from bitcache import address_journal
from bitcache.address_journal import AddressJournal
from bitcache.payment_rail import DerivingRail, Destination
from bitcache.storage.tables import payment_request, payout

# Built once: building a statement takes several times as long as running it.
_TAKEN = select(payment_request.c.match_key).where(
    payment_request.c.scope == bindparam("scope"),
    payment_request.c.match_key.in_(bindparam("keys", expanding=True)),
)
_ADVANCE = update(payout).where(payout.c.id == bindparam("payout")).values(next_index=bindparam("next"))

DerivedAddress = tuple[int, Destination]  #: an index, and the destination there


class Account(NamedTuple):
    """A seller's account and where it stands: ``next_index`` was not given out yet."""

    payout_id: int
    descriptor: str
    next_index: int


def allocate(
    conn: Connection, rail: DerivingRail, account: Account, count: int, now: int, journal: AddressJournal | None
) -> list[DerivedAddress]:
    """Return the next destinations that were never given out, not even by another spelling of the same account.

    ``journal`` remembers outside the database how far addresses were given out.  Raise what the rail raises, and
    StorageError, before anything is taken.
    """
    payout_id, descriptor, next_index = account
    if journal is not None and next_index < journal.floor(rail, descriptor):
        address_journal.raise_to_mark(conn, rail, journal, payout_id, descriptor, now)
        next_index = journal.floor(rail, descriptor)
    places: list[DerivedAddress] = []
    while missing := count - len(places):
        fresh = [(index, rail.destination(descriptor, index)) for index in range(next_index, next_index + missing)]
        next_index += missing
        keys = [destination.match_key for _, destination in fresh]
        taken = set(conn.scalars(_TAKEN, {"scope": rail.scope, "keys": keys}))
        places += [place for place in fresh if place[1].match_key not in taken]
    if journal is not None:
        journal.reserve(rail, descriptor, next_index - 1)
    conn.execute(_ADVANCE, {"payout": payout_id, "next": next_index})
    return places
