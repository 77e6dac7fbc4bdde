"""Step 3, invoice: a buyer asks to pay and gets a purchase, an address of its own and a time to pay in.

Everything happens in one write: look whether this claim asked before, count against the quotas, take the
account's next index, insert.  A purchase is shown only after the rail watches its address.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from bitcache import address_allocation, open_invoice_counts, zero_conf_exposure
from bitcache.address_allocation import DerivedAddress
from bitcache.address_journal import AddressJournal
from bitcache.admission import Admission
from bitcache.buyer_networks import Networks
from bitcache.errors import BitcacheError, SalesPaused
from bitcache.identifiers import FileId, new_purchase_id
from bitcache.invoice_quotas import Quotas
from bitcache.money import Sat
from bitcache.payment_rail import Rail
from bitcache.purchase_requests import AcceptedRequest, PurchaseRequest, admit_requests
from bitcache.purchases import Purchase, show, view, views
from bitcache.settlement import State
from bitcache.storage.database import Store
from bitcache.storage.tables import invoice, purchase

__all__ = [
    "InvoicePolicy",
    "Purchase",
    "PurchaseRequest",
    "confirmations_for",
    "create_purchase",
    "create_purchases",
    "view",
]

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
    """How deep a payment of this amount must lie, while the loss budget is not used up."""
    if amount < policy.zero_conf_below_sat and amount <= policy.loss_budget_sat:
        return 0
    return [needed for least, needed in policy.confirmations if amount >= least][-1]


Answer = tuple[Purchase, bool]  #: the claim's purchase, and whether it is new


async def create_purchase(
    store: Store,
    rail: Rail,
    file_id: FileId,
    claim_hash: bytes,
    policy: InvoicePolicy,
    networks: Networks | None,
    now: int,
    *,
    journal: AddressJournal | None = None,
    work: int = 0,
) -> Answer:
    """:func:`create_purchases` for one; raises NotFound, ClaimMismatch, SalesPaused, TooManyInvoices, WorkRequired."""
    purchase_request = PurchaseRequest(file_id, claim_hash, networks, work)
    [found] = await create_purchases(store, rail, [purchase_request], policy, now, journal=journal)
    if isinstance(found, Exception):
        raise found
    return found


async def create_purchases(
    store: Store,
    rail: Rail,
    purchase_requests: Sequence[PurchaseRequest],
    policy: InvoicePolicy,
    now: int,
    *,
    journal: AddressJournal | None = None,
    closed: SalesPaused | None = None,
) -> list[Answer | Exception]:
    """:func:`open_purchases`, committed, and the addresses watched before anybody can see them."""
    answers = await store.write(
        lambda conn: open_purchases(conn, rail, purchase_requests, policy, now, journal=journal, closed=closed),
        quiet=True,
    )
    for answer in answers:
        if not isinstance(answer, Exception):
            rail.watch(answer[0].key, answer[0].purchase_id)
    return answers


def open_purchases(
    conn: Connection,
    rail: Rail,
    purchase_requests: Sequence[PurchaseRequest],
    policy: InvoicePolicy,
    now: int,
    *,
    journal: AddressJournal | None = None,
    closed: SalesPaused | None = None,
) -> list[Answer | Exception]:
    """Each wish's purchase, or why there is none; one buyer's or seller's trouble is nobody else's.

    ``marks`` remember outside the database how far addresses were given out; tests may do without.  While sales are
    ``closed`` for that reason, there are only the purchases that were made before.
    """
    shown = _of_claims(conn, rail, purchase_requests)
    known = {claim: known_purchase.file_id for claim, known_purchase in shown.items()}
    admission = Admission(conn, policy.quotas, now)
    orders, refused = admit_requests(conn, purchase_requests, known, admission, closed, policy.highest_price_sat)
    new: set[bytes] = set()
    for group in orders:
        sale = group[0].sale
        account = (sale.payout_id, sale.account, sale.next_index)
        try:
            places = address_allocation.allocate(conn, rail, *account, len(group), now, journal)
        except BitcacheError as error:
            refused |= dict.fromkeys([order.purchase_request.of for order in group], error)
        else:
            made = _insert(conn, rail, list(zip(group, places, strict=True)), policy, now)
            shown |= made
            new |= made.keys()
    answers: list[Answer | Exception] = []
    for purchase_request in purchase_requests:
        answers.append(
            refused.get(purchase_request.of) or (shown[purchase_request.claim_hash], purchase_request.claim_hash in new)
        )
        new.discard(purchase_request.claim_hash)  # asked twice at once, it is new once
    return answers


def _of_claims(conn: Connection, rail: Rail, purchase_requests: Sequence[PurchaseRequest]) -> dict[bytes, Purchase]:
    """The purchases of claims that asked before."""
    rows = conn.execute(
        _OF_CLAIMS, {"claims": [purchase_request.claim_hash for purchase_request in purchase_requests]}
    ).all()
    found = views(conn, rail, [row.id for row in rows]) if rows else {}
    return {row.claim_hash: found[row.id] for row in rows}


def _insert(
    conn: Connection,
    rail: Rail,
    orders: Sequence[tuple[AcceptedRequest, DerivedAddress]],
    policy: InvoicePolicy,
    now: int,
) -> dict[bytes, Purchase]:
    """New purchases and their invoices, by claim."""
    purchases, invoices, shown = [], [], {}
    for (purchase_request, sale, expiry), (index, destination) in orders:
        purchase_id, expires_at = new_purchase_id(), now + round(policy.expiry_seconds * expiry)
        row = {
            "purchase_id": purchase_id,
            "rail": rail.name,
            "payout_id": sale.payout_id,
            "key_index": index,
            "key": destination.key,
            "address": destination.address,
            "amount_sat": sale.price_sat,
            "required_confirmations": _confirmations(conn, Sat(sale.price_sat), policy),
            "created_at": now,
            "expires_at": expires_at,
            **_UNPAID,
        }
        purchases.append(
            {
                "id": purchase_id,
                "file_id": purchase_request.file_id,
                "claim_hash": purchase_request.claim_hash,
                "networks": purchase_request.networks.pack() if purchase_request.networks else None,
                "created_at": now,
                "counted_until": expires_at if purchase_request.networks else None,
            }
        )
        invoices.append(row)
        beside = {"file_id": purchase_request.file_id, "minimum_sat": sale.minimum_sat, "granted_at": None}
        shown[purchase_request.claim_hash] = show(rail, {**row, **beside})
    conn.execute(_INSERT_PURCHASE, purchases)
    conn.execute(_INSERT_INVOICE, invoices)
    open_invoice_counts.add(
        conn,
        [
            open_invoice_counts.CountedPlace(purchase_request.file_id, sale.payout_id, purchase_request.networks)
            for (purchase_request, sale, _), _ in orders
            if purchase_request.networks is not None
        ],
    )
    return shown


def _confirmations(conn: Connection, amount: Sat, policy: InvoicePolicy) -> int:
    """What this invoice promises; the budget is looked at again when it is paid."""
    needed = confirmations_for(amount, policy)
    if needed == 0 and zero_conf_exposure.exposure(conn) + amount > policy.loss_budget_sat:
        return confirmations_for(amount, replace(policy, zero_conf_below_sat=0))
    return needed
