"""The ledger rebuilt from the chain, and every difference named before anything changes.

The caller compares :func:`stored_blocks` with the chain, reads the chain from the lowest block that differs on, or
from further below (:class:`ChainPayments`); :func:`rescan` makes the ledger equal to it in one transaction, which a dry
run takes back.  Payments below that height are left as they are: their blocks are on the chain.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, insert, or_, select, update

from bitcache import absent_payments, address_journal
from bitcache.address_journal import LOOK_AHEAD
from bitcache.apply_settlement import settle_invoices
from bitcache.block_processing import DEEPEST, WAITS_AGAIN, cursor
from bitcache.chain_types import CHAIN, BlockRef, Payment
from bitcache.errors import BadInput
from bitcache.payment_rail import DerivingRail
from bitcache.payments import ASKED_AT_ONCE, Owner, owners
from bitcache.settlement import PaymentStatus, State
from bitcache.storage.sqlite_only_sql import among_ids, greatest, ids
from bitcache.storage.tables import block, grant, invoice, payment, payout


@dataclass
class ChainPayments:
    """What the chain says: its blocks after ``first``, the payments in each, and what waits for a block."""

    first: BlockRef
    blocks: list[BlockRef] = field(default_factory=list)
    payments: dict[str, tuple[Payment, BlockRef]] = field(default_factory=dict)
    waiting: tuple[Payment, ...] = ()
    #: transactions (ids) of payments that are neither, and that something else has replaced
    conflicted: frozenset[str] = frozenset()
    sees_unconfirmed: bool = True

    def forward(self, ref: BlockRef, payments: Iterable[Payment]) -> None:
        """Take the next block."""
        self.blocks.append(ref)
        self.payments.update({paid.reference: (paid, ref) for paid in payments})

    def back(self) -> bool:
        """Take away the newest block, which left the chain; return False when there is none."""
        if not self.blocks:
            return False
        gone = self.blocks.pop()
        self.payments = {name: place for name, place in self.payments.items() if place[1] != gone}
        return True


class Kind(StrEnum):
    """What differs."""

    MISSING = "missing"  #: on the chain, not in the ledger
    MOVED = "moved"  #: in another block than the ledger says
    GONE = "gone"  #: in the ledger, not on the chain
    AMOUNT = "amount"  #: another amount than the ledger says
    FORGOTTEN = "forgotten"  #: pays an address of ours whose invoice this database does not know
    STATE = "state"  #: an invoice's state changes because of the others


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the ledger had otherwise.  ``was`` and ``becomes`` are words for people."""

    kind: Kind
    subject: str
    was: str
    becomes: str
    purchase_id: str | None = None
    amount_sat: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What a rescan found.  ``start`` and ``height``: the first and the newest block looked at."""

    start: int
    height: int
    payments: int
    differences: list[Difference]


class _TakenBack(Exception):
    """Undoes a dry run."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report


@dataclass(frozen=True, slots=True)
class Address:
    """A destination of ours without an invoice: number ``index`` of an account."""

    payout_id: int
    index: int
    address: str


def stored_blocks(conn: Connection) -> list[BlockRef]:
    """Return every block that the ledger has processed, the oldest first."""
    rows = conn.execute(select(block.c.height, block.c.hash).order_by(block.c.height))
    return [BlockRef(row.height, row.hash) for row in rows]


def lowest_payment_without_block(conn: Connection) -> int | None:
    """Return the lowest height of a payment whose block the ledger does not have: a damaged ledger, else None."""
    joined = select(func.min(payment.c.height)).outerjoin(
        block, (block.c.hash == payment.c.block_hash) & (block.c.height == payment.c.height)
    )
    first = select(func.min(block.c.height)).scalar_subquery()
    lowest: int | None = conn.scalar(joined.where(block.c.hash.is_(None), payment.c.height > first))
    return lowest


def unissued_addresses(conn: Connection, rail: DerivingRail, look_ahead: int = LOOK_AHEAD) -> dict[bytes, Address]:
    """Return destinations that a forgotten invoice may have had: those left out, and those after the newest index."""
    skipped = [
        (skipped_range.payout_id, skipped_range.first, skipped_range.end)
        for skipped_range in address_journal.all_skipped(conn)
    ]
    addresses: dict[bytes, Address] = {}
    for row in conn.execute(select(payout).where(payout.c.rail == rail.name)):
        ranges = [(first, end) for payout_id, first, end in skipped if payout_id == row.id]
        for first, end in [*ranges, (row.next_index, row.next_index + look_ahead)]:
            for index in range(first, end):
                made = rail.destination(row.account, index)
                addresses.setdefault(made.match_key, Address(row.id, index, made.text))
    known = owners(conn, rail.scope, addresses.keys())
    return {key: address for key, address in addresses.items() if key not in known}


def dry_run(
    conn: Connection, chain: ChainPayments, others: Mapping[bytes, Address], now: int, *, loss_budget: int = 0
) -> Report:
    """Return what :func:`rescan` would change; changes nothing."""
    try:
        with conn.begin_nested():
            raise _TakenBack(rescan(conn, chain, others, now, loss_budget=loss_budget))
    except _TakenBack as taken_back:
        return taken_back.report


def rescan(
    conn: Connection, chain: ChainPayments, others: Mapping[bytes, Address], now: int, *, loss_budget: int = 0
) -> Report:
    """Make the ledger equal to what was found, and say what differed; raise BadInput when that would leave a hole."""
    at = cursor(conn)
    if at is not None and chain.first.height > at.height:
        raise BadInput(f"the ledger ends at block {at.height}", hint="Begin there, or lower.")
    keys = {paid.key for paid in (*(paid for paid, _ in chain.payments.values()), *chain.waiting)}
    known = owners(conn, CHAIN, keys)
    stored = _stored(conn, chain)
    touched = _touched(conn, chain, stored, known)
    before = _states(conn, touched)
    differences = _payments(chain, stored, known)
    differences += _forgotten(conn, chain, others, known)
    paid = _write(conn, chain, stored, known, now)
    paid |= {difference.purchase_id for difference in differences if difference.purchase_id is not None}
    settle_invoices(conn, touched, now, loss_budget, paid=paid)
    differences += _changed(before, _states(conn, touched))
    height = (chain.blocks or [chain.first])[-1].height
    return Report(chain.first.height + 1, height, len(chain.payments), differences)


def _stored(conn: Connection, chain: ChainPayments) -> dict[str, Row[Any]]:
    """Return what the ledger has of payments that may differ: above the first block, in none, or found elsewhere."""
    waits = and_(payment.c.height.is_(None), payment.c.maturity.is_not(None))
    outside = or_(payment.c.height > chain.first.height, waits)
    rows = list(conn.execute(select(payment).where(outside)))
    names = [*chain.payments, *(paid.reference for paid in chain.waiting)]
    for first in range(0, len(names), ASKED_AT_ONCE):
        part = names[first : first + ASKED_AT_ONCE]
        rows += conn.execute(select(payment).where(payment.c.maturity.is_not(None), payment.c.reference.in_(part)))
    return {row.reference: row for row in rows}


def _touched(
    conn: Connection, chain: ChainPayments, stored: Mapping[str, Row[Any]], known: Mapping[bytes, Owner]
) -> set[str]:
    """Return the purchases whose invoices may change, also because the newest block is another one."""
    recent = payment.c.height > chain.first.height - DEEPEST
    touched = set(conn.scalars(select(payment.c.purchase_id).where(recent)))
    touched |= set(conn.scalars(select(invoice.c.purchase_id).where(invoice.c.received_sat > invoice.c.confirmed_sat)))
    unfinished = invoice.c.state.in_((State.NEW.value, State.PROCESSING.value))
    touched |= set(conn.scalars(select(invoice.c.purchase_id).where(unfinished)))
    return touched | {row.purchase_id for row in stored.values()} | {owner.purchase_id for owner in known.values()}


def _payments(chain: ChainPayments, stored: Mapping[str, Row[Any]], known: Mapping[bytes, Owner]) -> list[Difference]:
    """Return every payment that the ledger has otherwise."""
    ours = {name: (paid, ref) for name, (paid, ref) in chain.payments.items() if paid.key in known}
    differences = [
        difference
        for name, (paid, ref) in sorted(ours.items(), key=lambda item: (item[1][1].height, item[0]))
        for difference in _compare(stored.get(name), paid, ref, known[paid.key].purchase_id)
    ]
    waiting = {paid.reference for paid in chain.waiting}
    for name, row in sorted(stored.items()):
        if row.height is not None and row.height > chain.first.height and name not in ours:
            becomes = "waits for a block" if name in waiting else "not on the chain"
            was = f"in block {row.height}"
            differences.append(Difference(Kind.GONE, name, was, becomes, row.purchase_id, row.amount_sat))
    return differences


def _compare(row: Row[Any] | None, paid: Payment, ref: BlockRef, purchase_id: str) -> list[Difference]:
    """Return what the ledger has otherwise about one payment on the chain."""
    where = f"in block {ref.height}"
    rest = (purchase_id, int(paid.amount))
    if row is None or row.height is None:
        was = "not there" if row is None else "gone" if row.status == PaymentStatus.WITHDRAWN else "waits for a block"
        return [Difference(Kind.MISSING, paid.reference, was, where, *rest)]
    differences = []
    if row.block_hash != ref.hash or row.height != ref.height:
        was = f"in block {row.height}" + (" of another chain" if row.height == ref.height else "")
        differences.append(Difference(Kind.MOVED, paid.reference, was, where, *rest))
    if row.amount_sat != paid.amount:
        differences.append(
            Difference(Kind.AMOUNT, paid.reference, f"{row.amount_sat} sat", f"{paid.amount} sat", *rest)
        )
    return differences


def _forgotten(
    conn: Connection, chain: ChainPayments, others: Mapping[bytes, Address], known: Mapping[bytes, Owner]
) -> list[Difference]:
    """Return payments to addresses whose invoices are lost; those addresses are never given out (again)."""
    differences = []
    paid = [(received, f"paid in block {ref.height}") for received, ref in chain.payments.values()]
    for received, where in [*paid, *((received, "waits for a block") for received in chain.waiting)]:
        unissued = others.get(received.key)
        if unissued is None or received.key in known:
            continue
        was = f"address {unissued.address} (number {unissued.index} of payout {unissued.payout_id}), no invoice"
        differences.append(Difference(Kind.FORGOTTEN, received.reference, was, where, None, int(received.amount)))
        beyond = greatest(payout.c.next_index, unissued.index + 1)
        conn.execute(update(payout).where(payout.c.id == unissued.payout_id).values(next_index=beyond))
    return differences


def _write(
    conn: Connection, chain: ChainPayments, stored: Mapping[str, Row[Any]], known: Mapping[bytes, Owner], now: int
) -> set[str]:
    """Write blocks and payments above the first block as they were found; return the purchases with other payments."""
    above = payment.c.height > chain.first.height
    back = WAITS_AGAIN if chain.sees_unconfirmed else PaymentStatus.WITHDRAWN.value
    conn.execute(update(payment).where(above).values(height=None, block_hash=None, status=back))
    conn.execute(delete(block).where(block.c.height >= chain.first.height))
    refs = [chain.first, *chain.blocks]
    conn.execute(insert(block), [{"height": ref.height, "hash": ref.hash} for ref in refs])
    in_blocks: list[tuple[Payment, BlockRef | None]] = list(chain.payments.values())
    waiting = [paid for paid in chain.waiting if paid.key in known] if chain.sees_unconfirmed else []
    in_blocks += [(paid, None) for paid in waiting]
    changed = set()
    for paid, ref in in_blocks:
        if paid.key in known and _put(conn, paid, known[paid.key], now, ref, stored.get(paid.reference)):
            changed.add(known[paid.key].purchase_id)
    if chain.sees_unconfirmed:
        # what is in no block and not in the mempool is absent, as for the watcher, unless something else replaced it
        changed |= absent_payments.settle_absence(conn, waiting, chain.conflicted)
    return changed


def _put(
    conn: Connection, paid: Payment, owner: Owner, now: int, ref: BlockRef | None, before: Row[Any] | None
) -> bool:
    """Write one payment as it is, in the block ``ref`` or in none; return whether it was otherwise ``before``.

    When it was first seen is kept.
    """
    what = {
        "purchase_id": owner.purchase_id,
        "request_id": owner.request_id,
        "amount_sat": int(paid.amount),
        "status": PaymentStatus.SURVIVING.value,
        "maturity": paid.maturity,
        "height": ref and ref.height,
        "block_hash": ref and ref.hash,
        "absent_since": None,
    }
    if before is None:
        conn.execute(insert(payment).values(reference=paid.reference, rail=owner.rail, seen_at=now, **what))
        return True
    same = (payment.c.reference == paid.reference, payment.c.rail == owner.rail)
    conn.execute(update(payment).where(*same).values(what))
    return any(getattr(before, name) != value for name, value in what.items())


def _states(conn: Connection, purchase_ids: Collection[str]) -> dict[str, str]:
    """Return these invoices' states, in words."""
    rows = select(invoice.c.purchase_id, invoice.c.state, grant.c.granted_at)
    joined = rows.outerjoin(grant, grant.c.purchase_id == invoice.c.purchase_id)
    granted = conn.execute(joined.where(among_ids(invoice.c.purchase_id)), ids(purchase_ids))
    return {row.purchase_id: row.state + (", released" if row.granted_at else "") for row in granted}


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> list[Difference]:
    names = sorted(name for name in after if after[name] != before[name])
    return [Difference(Kind.STATE, name, before[name], after[name], name) for name in names]
