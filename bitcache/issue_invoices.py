"""Step 3, invoice: a buyer asks to pay and gets a purchase, ways to pay it, and a time to pay in.

Everything happens in one write: look whether this claim asked before, count against the quotas, take the
account's next index, insert.  A purchase is shown only after its rails watch what it can be paid on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from bitcache import address_allocation, open_invoice_counts, payment_requests, zero_conf_exposure
from bitcache.address_allocation import Account, DerivedAddress
from bitcache.address_journal import AddressJournal
from bitcache.admission import Admission
from bitcache.errors import BitcacheError, SalesPaused
from bitcache.identifiers import PurchaseId, new_purchase_id
from bitcache.invoice_quotas import Quotas
from bitcache.money import Sat
from bitcache.payment_requests import Order
from bitcache.purchase_requests import AcceptedRequest, PurchaseRequest, Sale, admit_requests
from bitcache.purchases import Purchase, show, view, views
from bitcache.rails import Rails
from bitcache.settlement import State
from bitcache.storage.database import Store
from bitcache.storage.tables import invoice, purchase

# Built once: building a statement takes several times as long as running it.
_OF_CLAIMS = select(purchase.c.id, purchase.c.claim_hash).where(
    purchase.c.claim_hash.in_(bindparam("claims", expanding=True))
)
_INSERT_PURCHASE, _INSERT_INVOICE = insert(purchase), insert(invoice)
_UNPAID: dict[str, Any] = {
    "state": State.NEW.value,
    "marks": "",
    "received_sat": 0,
    "confirmed_sat": 0,
    "confirmations": 0,
    "seen_at": None,
    "settled_at": None,
}

#: Nothing is begun of what is taken down.
_NOT_DOWN: dict[str, Any] = {"down_at": None, "down_reason": None}


@dataclass(frozen=True, slots=True)
class InvoicePolicy:
    """What invoices ask, and how many may wait for money at once.

    ``confirmations`` holds pairs of (amount from which, confirmations needed), rising, the first for 0 sat.
    Nothing dearer than ``highest_price_sat`` is sold.
    Smaller amounts than ``zero_conf_below_sat`` need none while ``loss_budget_sat`` is not used up.
    """

    expiry_seconds: int = 3600
    confirmations: tuple[tuple[int, int], ...] = ((0, 1), (100_000, 2), (1_000_000, 3))
    highest_price_sat: int | None = None
    zero_conf_below_sat: int = 0
    loss_budget_sat: int = 0
    quotas: Quotas = field(default_factory=Quotas)


def confirmations_for(amount: Sat, policy: InvoicePolicy) -> int:
    """Return how deep a payment of this amount must lie, while the loss budget is not used up."""
    if amount < policy.zero_conf_below_sat and amount <= policy.loss_budget_sat:
        return 0
    return [needed for least, needed in policy.confirmations if amount >= least][-1]


Answer = tuple[Purchase, bool]  #: the claim's purchase, and whether it is new


@dataclass(frozen=True, slots=True)
class InvoiceIssuer:
    """Makes purchases and their invoices.

    ``journal`` remembers outside the database how far addresses were given out; tests may do without.
    """

    store: Store
    rails: Rails
    policy: InvoicePolicy
    journal: AddressJournal | None = None

    async def create(
        self, requests: Sequence[PurchaseRequest], now: int, closed: SalesPaused | None = None
    ) -> tuple[list[Answer | Exception], list[Order]]:
        """:meth:`open`, committed, and watched before anybody can see it; and what is to be prepared."""
        answers, orders = await self.store.write(lambda conn: self._open_and_order(conn, requests, now, closed))
        for answer in answers:
            if not isinstance(answer, Exception):
                watch(self.rails, answer[0])
        return answers, orders

    async def create_one(self, request: PurchaseRequest, now: int) -> Answer:
        """:meth:`create` for one; raise NotFound, ClaimMismatch, SalesPaused, TooManyInvoices, WorkRequired."""
        [answer], _ = await self.create([request], now)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def add_request(self, purchase_id: PurchaseId, rail: str, now: int) -> tuple[Purchase, list[Order]]:
        """Add a way to pay (:func:`bitcache.payment_requests.add`); return the purchase, and what is to be prepared."""

        def add(conn: Connection) -> tuple[Purchase, list[Order]]:
            added = payment_requests.add(conn, self.rails, purchase_id, rail, now, self.journal)
            orders = payment_requests.orders(conn, [purchase_id]) if added else []
            return view(conn, self.rails, purchase_id), orders

        changed, orders = await self.store.write(add)
        watch(self.rails, changed)
        return changed, orders

    def _open_and_order(
        self, conn: Connection, requests: Sequence[PurchaseRequest], now: int, closed: SalesPaused | None
    ) -> tuple[list[Answer | Exception], list[Order]]:
        answers = self.open(conn, requests, now, closed)
        made = [answer[0] for answer in answers if not isinstance(answer, Exception) and answer[1]]
        new = [purchase.purchase_id for purchase in made if purchase.is_preparing]
        return answers, payment_requests.orders(conn, new) if new else []

    def open(
        self, conn: Connection, requests: Sequence[PurchaseRequest], now: int, closed: SalesPaused | None = None
    ) -> list[Answer | Exception]:
        """Return each request's purchase, or why there is none; one buyer's or seller's trouble is nobody else's.

        While sales are ``closed`` for that reason, there are only the purchases that were made before.
        """
        shown = self._of_claims(conn, requests)
        files = {claim: known_purchase.file_id for claim, known_purchase in shown.items()}
        admission = Admission(conn, self.policy.quotas, now)
        groups, refused = admit_requests(conn, requests, files, admission, now, closed, self.policy.highest_price_sat)
        new: set[bytes] = set()
        for group in groups:
            try:
                made = self._insert(conn, group, self._addresses(conn, group, now), now)
            except BitcacheError as error:
                refused |= dict.fromkeys([accepted.purchase_request.of for accepted in group], error)
            else:
                shown |= made
                new |= made.keys()
        answers: list[Answer | Exception] = []
        for request in requests:
            answers.append(refused.get(request.of) or (shown[request.claim_hash], request.claim_hash in new))
            new.discard(request.claim_hash)  # asked twice at once, it is new once
        return answers

    def _of_claims(self, conn: Connection, requests: Sequence[PurchaseRequest]) -> dict[bytes, Purchase]:
        """Return the purchases of claims that asked before."""
        rows = conn.execute(_OF_CLAIMS, {"claims": [request.claim_hash for request in requests]}).all()
        known = views(conn, self.rails, [row.id for row in rows]) if rows else {}
        return {row.claim_hash: known[row.id] for row in rows}

    def _addresses(self, conn: Connection, group: Sequence[AcceptedRequest], now: int) -> list[DerivedAddress | None]:
        """Return a fresh address of the group's account for each, where one is given out at issue."""
        sale = group[0].sale
        if not self.rails.derives_at_issue() or sale.rail != self.rails.deriving.name:
            return [None] * len(group)
        payable = [accepted.sale.price_sat >= sale.minimum_sat and sale.paused is None for accepted in group]
        account = Account(sale.payout_id, sale.account, sale.next_index)
        count = sum(payable)
        made = (
            address_allocation.allocate(conn, self.rails.deriving, account, count, now, self.journal) if count else []
        )
        places = iter(made)
        return [next(places) if here else None for here in payable]

    def _insert(
        self, conn: Connection, group: Sequence[AcceptedRequest], places: Sequence[DerivedAddress | None], now: int
    ) -> dict[bytes, Purchase]:
        """Write new purchases, their invoices and payment requests; return them by claim."""
        purchases, invoices, requests, shown = [], [], [], {}
        for accepted, place in zip(group, places, strict=True):
            asked, sale = accepted.purchase_request, accepted.sale
            invoice_row = self._invoice_row(conn, accepted, now)
            ways = self._request_rows(invoice_row, place, sale)
            purchases.append(_purchase_row(asked, invoice_row))
            invoices.append(invoice_row)
            requests += ways
            row = {**invoice_row, "file_id": asked.file_id, "granted_at": None, **_NOT_DOWN}
            shown[asked.claim_hash] = show(self.rails, row, ways)
        conn.execute(_INSERT_PURCHASE, purchases)
        conn.execute(_INSERT_INVOICE, invoices)
        if requests:
            conn.execute(payment_requests.INSERT, requests)
        open_invoice_counts.add(conn, _counted(group))
        return shown

    def _invoice_row(self, conn: Connection, accepted: AcceptedRequest, now: int) -> dict[str, Any]:
        return {
            "purchase_id": new_purchase_id(),
            "payout_id": accepted.sale.payout_id,
            "amount_sat": accepted.sale.price_sat,
            "required_confirmations": self._confirmations(conn, Sat(accepted.sale.price_sat)),
            "created_at": now,
            "expires_at": now + round(self.policy.expiry_seconds * accepted.expiry),
            **_UNPAID,
        }

    def _request_rows(
        self, invoice_row: dict[str, Any], place: DerivedAddress | None, sale: Sale
    ) -> list[dict[str, Any]]:
        rails, minimum = self.rails, sale.minimum_sat
        derived = [] if place is None else [payment_requests.derived_row(rails, invoice_row, place, minimum)]
        asked = rails.prepared_at_issue(payment_requests.connected(sale._mapping))
        return derived + [payment_requests.preparing_row(rail, scope, invoice_row) for rail, scope in asked]

    def _confirmations(self, conn: Connection, amount: Sat) -> int:
        """Return what this invoice promises; the budget is looked at again when it is paid."""
        needed = confirmations_for(amount, self.policy)
        if needed == 0 and zero_conf_exposure.exposure(conn) + amount > self.policy.loss_budget_sat:
            return confirmations_for(amount, replace(self.policy, zero_conf_below_sat=0))
        return needed


def watch(rails: Rails, made: Purchase) -> None:
    """Have every rail look out for what this purchase can be paid on."""
    for request in made.payment_requests:
        if request.match_key is not None:
            rails[request.rail].watch(request.match_key)


def _purchase_row(asked: PurchaseRequest, invoice_row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": invoice_row["purchase_id"],
        "file_id": asked.file_id,
        "claim_hash": asked.claim_hash,
        "networks": asked.networks.pack() if asked.networks else None,
        "created_at": invoice_row["created_at"],
        "counted_until": invoice_row["expires_at"] if asked.networks else None,
    }


def _counted(group: Sequence[AcceptedRequest]) -> list[open_invoice_counts.CountedPlace]:
    return [
        open_invoice_counts.CountedPlace(
            accepted.purchase_request.file_id, accepted.sale.payout_id, accepted.purchase_request.networks
        )
        for accepted in group
        if accepted.purchase_request.networks is not None
    ]
