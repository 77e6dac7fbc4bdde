"""Fresh addresses of an account: each is given out once, for ever."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select, update

from bitcache import address_journal
from bitcache.address_journal import AddressJournal
from bitcache.payment_rail import Destination, Rail
from bitcache.storage.tables import invoice, payout

# Built once: building a statement takes several times as long as running it.
_TAKEN = select(invoice.c.key).where(invoice.c.key.in_(bindparam("keys", expanding=True)))
_ADVANCE = update(payout).where(payout.c.id == bindparam("payout")).values(next_index=bindparam("next"))

DerivedAddress = tuple[int, Destination]  #: an index, and the destination there


def allocate(
    conn: Connection,
    rail: Rail,
    payout_id: int,
    account: str,
    next_index: int,
    count: int,
    now: int,
    journal: AddressJournal | None,
) -> list[DerivedAddress]:
    """The next indexes whose addresses were never given out, not even by another spelling of the same account.

    ``next_index`` is where the account stands; ``marks`` remember it outside the database.  Raises what the rail
    raises, and StorageError, before anything is taken.
    """
    if journal is not None and next_index < journal.floor(rail, account):
        address_journal.raise_to_mark(conn, rail, journal, payout_id, account, now)
        next_index = journal.floor(rail, account)
    places: list[DerivedAddress] = []
    while missing := count - len(places):
        fresh = [(index, rail.destination(account, index)) for index in range(next_index, next_index + missing)]
        next_index += missing
        taken = set(conn.scalars(_TAKEN, {"keys": [destination.key for _, destination in fresh]}))
        places += [place for place in fresh if place[1].key not in taken]
    if journal is not None:
        journal.reserve(rail, account, next_index - 1)
    conn.execute(_ADVANCE, {"payout": payout_id, "next": next_index})
    return places
