"""Who of those who ask gets an invoice now, and on what terms: the quotas applied to what is open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, select

from bitcache import address_journal, open_invoice_counts, unpaid_address_runs
from bitcache.buyer_networks import Networks
from bitcache.errors import WorkRequired
from bitcache.identifiers import FileId
from bitcache.invoice_quotas import Quotas, Terms, Use, terms_of
from bitcache.open_invoice_counts import CountedPlace, OpenCounts
from bitcache.storage.tables import payment_request

#: Others ask while somebody works: a solution that was enough a moment ago still is.
FORGIVEN_BITS = 2

# Built once: building a statement takes several times as long as running it.
_LAST_MADE = (
    select(payment_request.c.created_at)
    .where(payment_request.c.payout_id == bindparam("payout_id"))
    .order_by(payment_request.c.key_index.desc())
    .limit(1)
)


class Admission:
    """What there is room for at ``now``, during one write."""

    def __init__(self, conn: Connection, quotas: Quotas, now: int) -> None:
        open_invoice_counts.release_overdue(conn, now)
        self._conn, self._quotas, self._now = conn, quotas, now
        self._counts = OpenCounts(conn)
        self._runs: dict[int, int] = {}
        self._made: Counter[int] = Counter()

    def prepare(self, asked: Iterable[tuple[FileId, int | None, Networks | None]]) -> None:
        """Read what is needed to answer these, given as file, account and networks."""
        self._counts.load(
            CountedPlace(file_id, payout_id, networks)
            for file_id, payout_id, networks in asked
            if networks is not None and payout_id is not None
        )

    def admit(self, file_id: FileId, payout_id: int, next_index: int, networks: Networks | None, work: int) -> float:
        """Admit one more.

        Return the part of the usual time that its invoice is open; raise TooManyInvoices, WorkRequired.

        ``networks`` None: whom nobody counts.  ``work`` is what was proven, in bits.
        """
        if networks is None:
            return 1.0
        place = CountedPlace(file_id, payout_id, networks)
        terms = self._terms(place, next_index)
        if terms.bits > (work + FORGIVEN_BITS if work else 0):
            raise WorkRequired(bits=terms.bits)
        self._counts.reserve(place)
        self._made[payout_id] += 1
        return terms.expiry

    def _terms(self, place: CountedPlace, next_index: int) -> Terms:
        *networks, listing, account, everything = self._counts.of(place)
        made = self._made[place.payout_id]
        run = self._run(place.payout_id, next_index) + made
        idle = self._idle(place.payout_id) if run >= self._quotas.gap_limit else 0
        return terms_of(Use(tuple(networks), listing, account, everything, run, 0 if made else idle), self._quotas)

    def _run(self, payout_id: int, next_index: int) -> int:
        """Return how many addresses were given out since the last paid one, before this write."""
        if payout_id not in self._runs:
            run = unpaid_address_runs.newest(self._conn, payout_id, next_index)
            # what was left out after a restored backup is nobody's unpaid invoice
            self._runs[payout_id] = run - address_journal.count_skipped(self._conn, payout_id, next_index - run)
        return self._runs[payout_id]

    def _idle(self, payout_id: int) -> int:
        """Return seconds since the account's newest address was given out."""
        made_at = self._conn.scalar(_LAST_MADE, {"payout_id": payout_id})
        return self._quotas.slow_seconds if made_at is None else self._now - made_at
