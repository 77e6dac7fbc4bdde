"""Which of the buyers who come together get a new purchase, and why the others do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, select

from bitcache import money, sales_totals, sellers, takedowns
from bitcache.admission import Admission
from bitcache.buyer_networks import Networks
from bitcache.errors import BitcacheError, ClaimMismatch, NotFound, SalesPaused
from bitcache.identifiers import FileId
from bitcache.listing_errors import PriceChanged
from bitcache.listing_limits import MEANINGS, Limits
from bitcache.storage.tables import listing, listing_sales, payout, seller, takedown, wallet_connection

# Built once: building a statement takes several times as long as running it.
_SALES = (
    select(
        listing.c.file_id,
        listing.c.price_sat,
        listing.c.stopped,
        listing.c.sell_until,
        listing.c.most_sales,
        listing_sales.c.settled,
        listing_sales.c.pending,
        listing_sales.c.received_sat,
        takedown.c.reason.label("taken_down"),
        seller.c.payout_id,
        payout.c.account,
        payout.c.minimum_sat,
        payout.c.next_index,
        payout.c.paused,
        payout.c.rail,
        payout.c.script_type,
        seller.c.connection_id,
        wallet_connection.c.rail.label("connection_rail"),
    )
    .join(seller, seller.c.id == listing.c.seller_id)
    .outerjoin(listing_sales, listing_sales.c.file_id == listing.c.file_id)
    .outerjoin(takedown, takedown.c.file_id == listing.c.file_id)
    .outerjoin(payout, payout.c.id == seller.c.payout_id)
    .outerjoin(wallet_connection, wallet_connection.c.id == seller.c.connection_id)
    .where(listing.c.file_id.in_(bindparam("files", expanding=True)))
)

Sale = Row[*tuple[Any, ...]]  #: price and account
Of = tuple[FileId, bytes]  #: file and claim


@dataclass(frozen=True, slots=True)
class PurchaseRequest:
    """Somebody wants to buy.  ``networks`` are those it is asked from, or None to count nobody.

    ``work`` is the proof of work that was done for this claim, in bits; ``price_sat`` what the buyer was shown.
    """

    file_id: FileId
    claim_hash: bytes
    networks: Networks | None = None
    work: int = 0
    price_sat: int | None = None

    @property
    def of(self) -> Of:
        """What is asked for, whoever asks."""
        return self.file_id, self.claim_hash


class AcceptedRequest(NamedTuple):
    """A request that is admitted; its invoice is open for the part ``expiry`` of the usual time."""

    purchase_request: PurchaseRequest
    sale: Sale
    expiry: float


def admit_requests(
    conn: Connection,
    purchase_requests: Sequence[PurchaseRequest],
    files: dict[bytes, FileId],
    admission: Admission,
    now: int,
    closed: SalesPaused | None = None,
    highest_price_sat: int | None = None,
) -> tuple[list[list[AcceptedRequest]], dict[Of, BitcacheError]]:
    """Return what is to be made, account by account, and what is refused.  ``files`` has the file of every known claim.

    The refusals are NotFound, ClaimMismatch, SalesPaused, PriceChanged, PriceTooHigh, TooManyInvoices and WorkRequired.
    """
    rows = conn.execute(_SALES, {"files": list({purchase_request.file_id for purchase_request in purchase_requests})})
    sales = {row.file_id: row for row in rows}
    admission.prepare(
        (purchase_request.file_id, sales[purchase_request.file_id].payout_id, purchase_request.networks)
        for purchase_request in purchase_requests
        if purchase_request.file_id in sales
    )
    orders: dict[int, list[AcceptedRequest]] = {}
    refused: dict[Of, BitcacheError] = {}
    for purchase_request in purchase_requests:
        try:
            if files.get(purchase_request.claim_hash, purchase_request.file_id) != purchase_request.file_id:
                raise ClaimMismatch("this claim belongs to a purchase of another file")
            if purchase_request.claim_hash not in files:
                sale = _on_sale(sales.get(purchase_request.file_id), now, highest_price_sat)
                if purchase_request.price_sat not in (None, sale.price_sat):
                    raise PriceChanged(price_sat=sale.price_sat)
                if closed is not None:
                    raise closed
                expiry = admission.admit(
                    purchase_request.file_id,
                    sale.payout_id,
                    sale.next_index,
                    purchase_request.networks,
                    purchase_request.work,
                )
                files[purchase_request.claim_hash] = purchase_request.file_id
                orders.setdefault(sale.payout_id, []).append(AcceptedRequest(purchase_request, sale, expiry))
        except BitcacheError as error:
            refused[purchase_request.of] = error
        else:
            refused.pop(purchase_request.of, None)  # the same claim, asked again from where there is room
    return list(orders.values()), refused


def _on_sale(sale: Sale | None, now: int, highest_price_sat: int | None) -> Sale:
    """Raise NotFound, TakenDown, SalesPaused or PriceTooHigh."""
    if sale is None:
        raise NotFound("no such file")
    if sale.taken_down is not None:
        raise takedowns.error_of(sale.taken_down)
    ended = Limits(sale.sell_until, sale.most_sales).why_ended(sales_totals.of_row(sale).paid, now)
    unpaid = sellers.reason_paused(sale, sale.price_sat) if sale.payout_id else sellers.NO_PAYOUT
    reason = sale.stopped or ended or unpaid
    if reason is not None:
        raise SalesPaused(MEANINGS.get(reason, ""), reason=reason)
    money.check_highest(sale.price_sat, highest_price_sat)
    return sale
