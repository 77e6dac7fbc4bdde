"""Buyers who ask at the same time are served by one write, with a few statements for all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bitcache.batching import Batcher
from bitcache.buyer_networks import Networks
from bitcache.errors import SalesPaused
from bitcache.identifiers import FileId, PurchaseId
from bitcache.issue_invoices import Answer, InvoiceIssuer
from bitcache.purchase_requests import PurchaseRequest
from bitcache.purchases import Purchase
from bitcache.remote_payment_requests import RequestPreparer

MOST_AT_ONCE = 128

#: Why nothing is sold right now, or None; it may wait for a moment.
WhyClosed = Callable[[], Awaitable[SalesPaused | None]]


async def always_open() -> None:
    """Return None: nothing stops sales."""


class InvoiceBatcher:
    """Where purchases begin, and where ways to pay are added to them."""

    def __init__(
        self,
        issuer: InvoiceIssuer,
        preparer: RequestPreparer,
        clock: Callable[[], int],
        why_closed: WhyClosed = always_open,
    ) -> None:
        self._issuer, self._preparer, self._clock, self._why_closed = issuer, preparer, clock, why_closed
        self._requests = Batcher(self._serve, MOST_AT_ONCE)

    async def open(
        self,
        file_id: FileId,
        claim_hash: bytes,
        networks: Networks | None,
        work: int = 0,
        price_sat: int | None = None,
    ) -> Answer:
        """Return the purchase of this claim, committed, and whether it is new.

        ``work`` was proven for it, in bits; ``price_sat`` is what the buyer was shown (None: anything).  Raise
        NotFound, ClaimMismatch (the claim asked for another file before), SalesPaused, PriceChanged, TooManyInvoices,
        WorkRequired.
        """
        return await self._requests.ask(PurchaseRequest(file_id, claim_hash, networks, work, price_sat))

    async def add_request(self, purchase_id: PurchaseId, rail: str) -> Purchase:
        """Return the purchase with a way to pay on this rail, ready or in preparation.

        Raise UnknownRail, NotFound, InvoiceClosed, TooManyInvoices.
        """
        changed, orders = await self._issuer.add_request(purchase_id, rail, self._clock())
        self._preparer.begin(orders)
        return changed

    async def _serve(self, requests: list[PurchaseRequest]) -> list[Answer | Exception]:
        closed = await self._why_closed()
        answers, orders = await self._issuer.create(requests, self._clock(), closed)
        self._preparer.begin(orders)
        return answers
