"""Step 4, observation, the chain's part: blocks, what is paid in them, and what waits for one.

The watcher reports what the chain says; each report is one write that stores the payments, moves the
cursor, settles every invoice they touch and grants what is settled, all in the same transaction.
Repeating a report changes nothing.

Reports
    :func:`start`        the block from which this installation watches
    :func:`extend`       the next block, with the payments in it
    :func:`undo`         the cursor's block is no longer in the chain
    :func:`unconfirmed`  everything of ours that waits for a block right now
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import BindParameter, Connection, Integer, bindparam, case, delete, insert, select, update

from bitcache import absent_payments
from bitcache.apply_settlement import settle_invoices
from bitcache.chain_types import CHAIN, BlockRef, Payment
from bitcache.payments import owners
from bitcache.settlement import PaymentStatus
from bitcache.storage.sqlite_only_sql import greatest, upsert
from bitcache.storage.tables import block, invoice, payment

#: No payment needs more confirmations than this.
DEEPEST = 100

_HEIGHT: BindParameter[int] = bindparam("height", type_=Integer)

# Built once: building a statement takes several times as long as running it.
_NEWEST = select(block.c.height, block.c.hash).order_by(block.c.height.desc()).limit(1)
_NOT_FINAL = select(invoice.c.purchase_id).where(invoice.c.received_sat > invoice.c.confirmed_sat)
#: Would be released unconfirmed; a block came before the mempool was read.
_HELD_BACK = _NOT_FINAL.where(invoice.c.required_confirmations == 0, invoice.c.state == "processing")
_FINAL_SINCE = (
    select(payment.c.purchase_id)
    .join(invoice, invoice.c.purchase_id == payment.c.purchase_id)
    .where(
        payment.c.block_hash.in_(select(block.c.hash).where(block.c.height > _HEIGHT - DEEPEST)),
        payment.c.height + greatest(invoice.c.required_confirmations, payment.c.maturity) - 1 == _HEIGHT,
    )
)
#: What becomes of a payment whose block is undone: it waits again, but for a coinbase, which is gone.
WAITS_AGAIN = case((payment.c.maturity == 0, PaymentStatus.SURVIVING.value), else_=PaymentStatus.WITHDRAWN.value)


_CHAIN_PART = ("height", "block_hash", "status", "maturity", "absent_since")
# a block outranks the mempool: what is in a block is never "seen" again by a late message
_STORE = upsert(
    payment,
    keys=("reference", "rail"),
    changes=lambda new: {name: new[name] for name in _CHAIN_PART},
    where=lambda new: new["height"].is_not(None) | payment.c.height.is_(None),
)


class OutOfOrder(AssertionError):
    """The watcher reported a block that does not follow the cursor: a bug, never a state of the chain."""


def cursor(conn: Connection) -> BlockRef | None:
    """Return the last block processed, or None before :func:`start`."""
    row = conn.execute(_NEWEST).first()
    return BlockRef(row.height, row.hash) if row else None


def block_at(conn: Connection, height: int) -> BlockRef | None:
    """Return the block processed at ``height``, if watching had begun by then."""
    row = conn.execute(select(block.c.height, block.c.hash).where(block.c.height == height)).first()
    return BlockRef(row.height, row.hash) if row else None


def start(conn: Connection, first: BlockRef) -> None:
    """Begin at ``first``: its payments are not looked at, those of the blocks after it are."""
    if cursor(conn) is None:
        conn.execute(insert(block).values(height=first.height, hash=first.hash))


def extend(
    conn: Connection,
    parent: BlockRef,
    ref: BlockRef,
    payments: Sequence[Payment],
    now: int,
) -> None:
    """Process the block after ``parent``, with every payment to a key of ours in it.

    It releases nothing for payments that still wait: some of them were perhaps replaced by those in the block.
    """
    at = cursor(conn)
    if at == ref:
        return
    if at != parent or ref.height != parent.height + 1:
        raise OutOfOrder(f"block {ref.height} does not follow the cursor")
    conn.execute(insert(block).values(height=ref.height, hash=ref.hash))
    touched = _store(conn, payments, now, ref)
    absent_payments.forget_transactions(conn, ref.height - DEEPEST)
    settle_invoices(conn, _not_final(conn), now, paid=touched)


def undo(conn: Connection, ref: BlockRef, now: int) -> None:
    """``ref``, the cursor, left the chain: its payments wait for a block again (a coinbase is gone)."""
    if cursor(conn) != ref:
        raise OutOfOrder(f"block {ref.height} is not the cursor")
    in_block = payment.c.block_hash == ref.hash
    touched = set(conn.scalars(select(payment.c.purchase_id).where(in_block)))
    others = _not_final(conn) | _final_since(conn, ref.height)
    conn.execute(update(payment).where(in_block).values(height=None, block_hash=None, status=WAITS_AGAIN))
    conn.execute(delete(block).where(block.c.height == ref.height))
    settle_invoices(conn, others, now, paid=touched)


def unconfirmed(
    conn: Connection,
    payments: Sequence[Payment],
    now: int,
    *,
    conflicted: Collection[str] = (),
    loss_budget: int = 0,
) -> None:
    """Record what waits for a block now.  What waited and is not among them is absent: received, and out of sight.

    It is withdrawn when its transaction is among ``conflicted`` (something else spends its coins), when it is absent
    for :data:`absent_payments.LONGEST_ABSENCE` blocks, or when its transaction is not known, so that nobody could tell.
    ``loss_budget``: how many satoshis may be released for payments that no block holds
    (see bitcache.zero_conf_exposure).
    """
    before = absent_payments.waiting(conn)
    touched = absent_payments.settle_absence(conn, payments, conflicted)
    fresh = [paid for paid in payments if before.get(paid.reference, True)]
    touched |= _store(conn, fresh, now, None)
    absent_payments.keep_transactions(conn, payments)
    settle_invoices(conn, set(conn.scalars(_HELD_BACK)), now, loss_budget, paid=touched)


def _not_final(conn: Connection) -> set[str]:
    """Return purchases that count confirmations, in any state: every block may make one of their payments final.

    They have received more than is confirmed; an index holds just these.
    """
    return set(conn.scalars(_NOT_FINAL))


def _final_since(conn: Connection, height: int) -> set[str]:
    """Return purchases with an older payment that became final with exactly the block at ``height``."""
    return set(conn.scalars(_FINAL_SINCE, {"height": height}))


def _store(conn: Connection, payments: Sequence[Payment], now: int, ref: BlockRef | None) -> set[str]:
    """Write payments to keys of ours, in the block ``ref`` or in none yet; return the purchases they touch."""
    known = owners(conn, CHAIN, {paid.key for paid in payments})
    rows = [
        {
            "reference": paid.reference,
            "rail": known[paid.key].rail,
            "purchase_id": known[paid.key].purchase_id,
            "request_id": known[paid.key].request_id,
            "amount_sat": int(paid.amount),
            "status": PaymentStatus.SURVIVING.value,
            "seen_at": now,
            "maturity": paid.maturity,
            "height": ref and ref.height,
            "block_hash": ref and ref.hash,
            "absent_since": None,
        }
        for paid in payments
        if paid.key in known
    ]
    if rows:
        conn.execute(_STORE, rows)
    return {known[paid.key].purchase_id for paid in payments if paid.key in known}
