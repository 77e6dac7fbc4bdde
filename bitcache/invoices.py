"""Step 3, invoice: a buyer asks to pay and gets a transfer, an address of its own and a time to pay in.

Everything happens in one write: look whether this claim asked before, count against the caps, take the
account's next index, insert.  A transfer is shown only after the rail watches its address.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from bitcache import caps, highwater, losses, sellers
from bitcache.errors import ClaimMismatch, NotFound, SalesPaused
from bitcache.highwater import HighWater
from bitcache.identifiers import FileId, TransferId, new_transfer_id
from bitcache.money import Sat
from bitcache.ports import Destination, Rail
from bitcache.settlement import State
from bitcache.storage.store import Store
from bitcache.storage.tables import invoice, listing, payout, seller, transfer
from bitcache.transfers import Transfer, show, view

__all__ = ["InvoicePolicy", "Transfer", "confirmations_for", "create_transfer", "open_transfer", "view"]

# Built once: building a statement takes several times as long as running it.
_OF_CLAIM = select(transfer.c.id, transfer.c.file_id).where(transfer.c.claim_hash == bindparam("claim_hash"))
_SALE = (
    select(
        listing.c.price_sat,
        seller.c.payout_id,
        payout.c.account,
        payout.c.minimum_sat,
        payout.c.next_index,
        payout.c.paused,
    )
    .join(seller, seller.c.id == listing.c.seller_id)
    .outerjoin(payout, payout.c.id == seller.c.payout_id)
    .where(listing.c.file_id == bindparam("file_id"))
)
_ADVANCE = (
    update(payout)
    .where(payout.c.id == bindparam("payout"))
    .values(next_index=payout.c.next_index + 1)
    .returning(payout.c.next_index)
)
_TAKEN = select(invoice.c.key_index).where(invoice.c.key == bindparam("key"))
_INSERT_TRANSFER, _INSERT_INVOICE = insert(transfer), insert(invoice)


@dataclass(frozen=True, slots=True)
class InvoicePolicy:
    """What invoices ask, and how many may wait for money at once.

    ``confirmations`` holds pairs of (amount from which, confirmations needed), rising, the first for 0 sat.
    Smaller amounts than ``zero_conf_below_sat`` need none while ``loss_budget_sat`` is not used up.
    """

    expiry_seconds: int = 3600
    confirmations: tuple[tuple[int, int], ...] = ((0, 1), (100_000, 2), (1_000_000, 3))
    zero_conf_below_sat: int = 0
    loss_budget_sat: int = 0
    cap_per_buyer: int = 20
    cap_per_listing: int = 200


def confirmations_for(amount: Sat, policy: InvoicePolicy) -> int:
    """How deep a payment of this amount must lie, while the loss budget is not used up."""
    if amount < policy.zero_conf_below_sat and amount <= policy.loss_budget_sat:
        return 0
    return [needed for least, needed in policy.confirmations if amount >= least][-1]


async def create_transfer(
    store: Store,
    rail: Rail,
    file_id: FileId,
    claim_hash: bytes,
    policy: InvoicePolicy,
    buyer: bytes | None,
    now: int,
    *,
    marks: HighWater | None = None,
) -> tuple[Transfer, bool]:
    """:func:`open_transfer`, committed, and its address watched before anybody can see it."""
    found, created = await store.write(
        lambda conn: open_transfer(conn, rail, file_id, claim_hash, policy, buyer, now, marks=marks), quiet=True
    )
    rail.watch(found.key, found.transfer_id)
    return found, created


def open_transfer(
    conn: Connection,
    rail: Rail,
    file_id: FileId,
    claim_hash: bytes,
    policy: InvoicePolicy,
    buyer: bytes | None,
    now: int,
    *,
    marks: HighWater | None = None,
) -> tuple[Transfer, bool]:
    """The transfer of this claim, and whether it is new.  ``buyer`` is a keyed hash, or None to count nobody.

    ``marks`` remember outside the database how far addresses were given out; tests may do without.
    Raises NotFound, ClaimMismatch (the claim asked for another file before), SalesPaused, TooMany.
    """
    found = _of_claim(conn, claim_hash, file_id)
    if found is not None:
        return view(conn, rail, found), False
    sale = _sale(conn, file_id)
    caps.check(conn, file_id, policy.cap_per_listing, buyer, policy.cap_per_buyer, now, policy.expiry_seconds)
    transfer_id = new_transfer_id()
    index, destination = _allocate(conn, rail, sale, marks, now)
    row = {
        "transfer_id": transfer_id,
        "rail": rail.name,
        "payout_id": sale.payout_id,
        "key_index": index,
        "key": destination.key,
        "address": destination.address,
        "amount_sat": sale.price_sat,
        "confirmations": _confirmations(conn, Sat(sale.price_sat), policy),
        "created_at": now,
        "expires_at": now + policy.expiry_seconds,
        "state": State.NEW.value,
        "marks": "",
        "received_sat": 0,
        "confirmed_sat": 0,
        "depth": 0,
        "seen_at": None,
        "settled_at": None,
    }
    made = {"id": transfer_id, "file_id": file_id, "claim_hash": claim_hash, "buyer": buyer, "created_at": now}
    conn.execute(_INSERT_TRANSFER, made)
    conn.execute(_INSERT_INVOICE, row)
    return show(rail, {**row, "file_id": file_id, "minimum_sat": sale.minimum_sat, "granted_at": None}), True


def _confirmations(conn: Connection, amount: Sat, policy: InvoicePolicy) -> int:
    """What this invoice promises; the budget is looked at again when it is paid."""
    needed = confirmations_for(amount, policy)
    if needed == 0 and losses.exposure(conn) + amount > policy.loss_budget_sat:
        return confirmations_for(amount, replace(policy, zero_conf_below_sat=0))
    return needed


def _of_claim(conn: Connection, claim_hash: bytes, file_id: FileId) -> TransferId | None:
    row = conn.execute(_OF_CLAIM, {"claim_hash": claim_hash}).first()
    if row is None:
        return None
    if row.file_id != file_id:
        raise ClaimMismatch("this claim belongs to a transfer of another file")
    return TransferId(row.id)


def _sale(conn: Connection, file_id: FileId) -> Row[*tuple[Any, ...]]:
    """Price and account; raises NotFound or SalesPaused."""
    row = conn.execute(_SALE, {"file_id": file_id}).first()
    if row is None:
        raise NotFound("no such file")
    reason = sellers.NO_PAYOUT if row.payout_id is None else row.paused
    if reason is not None:
        raise SalesPaused(reason=reason)
    return row


def _allocate(
    conn: Connection, rail: Rail, sale: Row[*tuple[Any, ...]], marks: HighWater | None, now: int
) -> tuple[int, Destination]:
    """The next index whose address was never given out, not even by another spelling of the same account."""
    if marks is not None and sale.next_index < marks.floor(rail, sale.account):
        highwater.raise_to_mark(conn, rail, marks, sale.payout_id, sale.account, now)
    while True:
        index = conn.execute(_ADVANCE, {"payout": sale.payout_id}).scalar_one() - 1
        destination = rail.destination(sale.account, index)
        if conn.scalar(_TAKEN, {"key": destination.key}) is None:
            break
    if marks is not None:
        marks.reserve(rail, sale.account, index)
    return index, destination
