"""Buyers who ask at the same time are served by one write, with a few statements for all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bitcache.address_journal import AddressJournal
from bitcache.batching import Batcher
from bitcache.buyer_networks import Networks
from bitcache.errors import SalesPaused
from bitcache.identifiers import FileId
from bitcache.issue_invoices import Answer, InvoicePolicy, create_purchases
from bitcache.payment_rail import Rail
from bitcache.purchase_requests import PurchaseRequest
from bitcache.storage.database import Store

MOST_AT_ONCE = 128

#: Why nothing is sold right now, or None; it may wait for a moment.
WhyClosed = Callable[[], Awaitable[SalesPaused | None]]


async def always_open() -> None:
    """Nothing stops sales."""


class InvoiceBatcher:
    """Where purchases begin."""

    def __init__(
        self,
        store: Store,
        rail: Rail,
        policy: InvoicePolicy,
        clock: Callable[[], int],
        journal: AddressJournal,
        why_closed: WhyClosed = always_open,
    ) -> None:
        self._why_closed = why_closed
        self._store, self._rail, self._policy, self._clock, self._journal = store, rail, policy, clock, journal
        self._wishes = Batcher(self._serve, MOST_AT_ONCE)

    async def open(self, file_id: FileId, claim_hash: bytes, networks: Networks | None, work: int = 0) -> Answer:
        """The purchase of this claim, committed, and whether it is new; ``work`` was proven for it, in bits.

        Raises NotFound, ClaimMismatch (the claim asked for another file before), SalesPaused, TooManyInvoices,
        WorkRequired.
        """
        return await self._wishes.ask(PurchaseRequest(file_id, claim_hash, networks, work))

    async def _serve(self, purchase_requests: list[PurchaseRequest]) -> list[Answer | Exception]:
        closed = await self._why_closed()
        now = self._clock()
        return await create_purchases(
            self._store, self._rail, purchase_requests, self._policy, now, journal=self._journal, closed=closed
        )
