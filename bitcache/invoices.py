"""Step 3, invoice: a buyer asks to pay and gets a transfer, an address of its own and a time to pay in.

Everything happens in one write: look whether this claim asked before, count against the quotas, take the
account's next index, insert.  A transfer is shown only after the rail watches its address.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from bitcache import addresses, losses, open_counts
from bitcache.addresses import Place
from bitcache.admission import Admission
from bitcache.errors import BitcacheError, SalesPaused
from bitcache.highwater import HighWater
from bitcache.identifiers import FileId, new_transfer_id
from bitcache.money import Sat
from bitcache.networks import Networks
from bitcache.orders import Order, Wish, sort_out
from bitcache.ports import Rail
from bitcache.quotas import Quotas
from bitcache.settlement import State
from bitcache.storage.store import Store
from bitcache.storage.tables import invoice, transfer
from bitcache.transfers import Transfer, show, view, views

__all__ = ["InvoicePolicy", "Transfer", "Wish", "confirmations_for", "create_transfer", "create_transfers", "view"]

# Built once: building a statement takes several times as long as running it.
_OF_CLAIMS = select(transfer.c.id, transfer.c.claim_hash).where(
    transfer.c.claim_hash.in_(bindparam("claims", expanding=True))
)
_INSERT_TRANSFER, _INSERT_INVOICE = insert(transfer), insert(invoice)
_UNPAID: dict[str, Any] = {
    "state": State.NEW.value,
    "marks": "",
    "received_sat": 0,
    "confirmed_sat": 0,
    "depth": 0,
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


Answer = tuple[Transfer, bool]  #: the claim's transfer, and whether it is new


async def create_transfer(
    store: Store,
    rail: Rail,
    file_id: FileId,
    claim_hash: bytes,
    policy: InvoicePolicy,
    networks: Networks | None,
    now: int,
    *,
    marks: HighWater | None = None,
    work: int = 0,
) -> Answer:
    """:func:`create_transfers` for one; raises NotFound, ClaimMismatch, SalesPaused, TooMany, WorkRequired."""
    wish = Wish(file_id, claim_hash, networks, work)
    [found] = await create_transfers(store, rail, [wish], policy, now, marks=marks)
    if isinstance(found, Exception):
        raise found
    return found


async def create_transfers(
    store: Store,
    rail: Rail,
    wishes: Sequence[Wish],
    policy: InvoicePolicy,
    now: int,
    *,
    marks: HighWater | None = None,
    closed: SalesPaused | None = None,
) -> list[Answer | Exception]:
    """:func:`open_transfers`, committed, and the addresses watched before anybody can see them."""
    answers = await store.write(
        lambda conn: open_transfers(conn, rail, wishes, policy, now, marks=marks, closed=closed), quiet=True
    )
    for answer in answers:
        if not isinstance(answer, Exception):
            rail.watch(answer[0].key, answer[0].transfer_id)
    return answers


def open_transfers(
    conn: Connection,
    rail: Rail,
    wishes: Sequence[Wish],
    policy: InvoicePolicy,
    now: int,
    *,
    marks: HighWater | None = None,
    closed: SalesPaused | None = None,
) -> list[Answer | Exception]:
    """Each wish's transfer, or why there is none; one buyer's or seller's trouble is nobody else's.

    ``marks`` remember outside the database how far addresses were given out; tests may do without.  While sales are
    ``closed`` for that reason, there are only the transfers that were made before.
    """
    shown = _of_claims(conn, rail, wishes)
    known = {claim: found.file_id for claim, found in shown.items()}
    admission = Admission(conn, policy.quotas, now)
    orders, refused = sort_out(conn, wishes, known, admission, closed, policy.highest_price_sat)
    new: set[bytes] = set()
    for group in orders:
        sale = group[0].sale
        account = (sale.payout_id, sale.account, sale.next_index)
        try:
            places = addresses.allocate(conn, rail, *account, len(group), now, marks)
        except BitcacheError as error:
            refused |= dict.fromkeys([order.wish.of for order in group], error)
        else:
            made = _insert(conn, rail, list(zip(group, places, strict=True)), policy, now)
            shown |= made
            new |= made.keys()
    answers: list[Answer | Exception] = []
    for wish in wishes:
        answers.append(refused.get(wish.of) or (shown[wish.claim_hash], wish.claim_hash in new))
        new.discard(wish.claim_hash)  # asked twice at once, it is new once
    return answers


def _of_claims(conn: Connection, rail: Rail, wishes: Sequence[Wish]) -> dict[bytes, Transfer]:
    """The transfers of claims that asked before."""
    rows = conn.execute(_OF_CLAIMS, {"claims": [wish.claim_hash for wish in wishes]}).all()
    found = views(conn, rail, [row.id for row in rows]) if rows else {}
    return {row.claim_hash: found[row.id] for row in rows}


def _insert(
    conn: Connection, rail: Rail, orders: Sequence[tuple[Order, Place]], policy: InvoicePolicy, now: int
) -> dict[bytes, Transfer]:
    """New transfers and their invoices, by claim."""
    transfers, invoices, shown = [], [], {}
    for (wish, sale, expiry), (index, destination) in orders:
        transfer_id, expires_at = new_transfer_id(), now + round(policy.expiry_seconds * expiry)
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
            "expires_at": expires_at,
            **_UNPAID,
        }
        transfers.append(
            {
                "id": transfer_id,
                "file_id": wish.file_id,
                "claim_hash": wish.claim_hash,
                "networks": wish.networks.pack() if wish.networks else None,
                "created_at": now,
                "counted_until": expires_at if wish.networks else None,
            }
        )
        invoices.append(row)
        beside = {"file_id": wish.file_id, "minimum_sat": sale.minimum_sat, "granted_at": None}
        shown[wish.claim_hash] = show(rail, {**row, **beside})
    conn.execute(_INSERT_TRANSFER, transfers)
    conn.execute(_INSERT_INVOICE, invoices)
    open_counts.add(
        conn,
        [
            open_counts.Place(wish.file_id, sale.payout_id, wish.networks)
            for (wish, sale, _), _ in orders
            if wish.networks is not None
        ],
    )
    return shown


def _confirmations(conn: Connection, amount: Sat, policy: InvoicePolicy) -> int:
    """What this invoice promises; the budget is looked at again when it is paid."""
    needed = confirmations_for(amount, policy)
    if needed == 0 and losses.exposure(conn) + amount > policy.loss_budget_sat:
        return confirmations_for(amount, replace(policy, zero_conf_below_sat=0))
    return needed
