"""Where observation (4), settlement (5) and release (6) meet: the ledger of payments.

The watcher reports what the chain says; each report is one write that stores the payments, moves the
cursor, settles every invoice they touch and grants what is settled, all in the same transaction.
Repeating a report changes nothing.

Reports
    :func:`start`        the block from which this installation watches
    :func:`extend`       the next block, with the payments in it
    :func:`undo`         the cursor's block is no longer in the chain
    :func:`unconfirmed`  everything of ours that waits for a block right now
    :func:`known_until`  the chain is known up to this time: only now may invoices expire
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import BindParameter, Connection, Integer, and_, bindparam, delete, func, or_, select, update
from sqlalchemy.dialects.sqlite import Insert, insert

from bitcache.money import Sat
from bitcache.settling import settle_invoices
from bitcache.storage.tables import block, invoice, known, payment

#: No payment needs more confirmations than this.
DEEPEST = 100

_HEIGHT: BindParameter[int] = bindparam("height", type_=Integer)

# Built once: building a statement takes several times as long as running it.
_NEWEST = select(block.c.height, block.c.hash).order_by(block.c.height.desc()).limit(1)
_OWNERS = select(invoice.c.key, invoice.c.transfer_id).where(invoice.c.key.in_(bindparam("keys", expanding=True)))
_NOT_FINAL = select(invoice.c.transfer_id).where(invoice.c.received_sat > invoice.c.confirmed_sat)
#: Would be released unconfirmed; a block came before the mempool was read.
_HELD_BACK = _NOT_FINAL.where(invoice.c.confirmations == 0, invoice.c.state == "processing")
_FINAL_SINCE = (
    select(payment.c.transfer_id)
    .join(invoice, invoice.c.transfer_id == payment.c.transfer_id)
    .where(
        payment.c.block_hash.in_(select(block.c.hash).where(block.c.height > _HEIGHT - DEEPEST)),
        payment.c.height + func.max(invoice.c.confirmations, payment.c.maturity) - 1 == _HEIGHT,
    )
)


def _upsert() -> Insert:
    upsert = insert(payment)
    new = {name: upsert.excluded[name] for name in ("height", "block_hash", "unconfirmed", "maturity")}
    # a block outranks the mempool: what is in a block is never "seen" again by a late message
    later = upsert.excluded.height.is_not(None) | payment.c.height.is_(None)
    return upsert.on_conflict_do_update(index_elements=["reference"], set_=new, where=later)


_STORE = _upsert()


@dataclass(frozen=True, slots=True)
class BlockRef:
    """A block by height and hash (hex, as nodes print it)."""

    height: int
    hash: str


@dataclass(frozen=True, slots=True)
class Payment:
    """An output that pays one of our keys.  ``reference`` is unique for ever (on-chain: ``txid:vout``)."""

    reference: str
    key: bytes
    amount: Sat
    maturity: int = 0


class OutOfOrder(AssertionError):
    """The watcher reported a block that does not follow the cursor: a bug, never a state of the chain."""


def keys_after(conn: Connection, after: bytes, most: int) -> list[bytes]:
    """The keys alone, in their order, so many at a time: there may be millions."""
    return list(conn.scalars(select(invoice.c.key).where(invoice.c.key > after).order_by(invoice.c.key).limit(most)))


def cursor(conn: Connection) -> BlockRef | None:
    """The last block processed, or None before :func:`start`."""
    row = conn.execute(_NEWEST).first()
    return BlockRef(row.height, row.hash) if row else None


def block_at(conn: Connection, height: int) -> BlockRef | None:
    """The block processed at ``height``, if watching had begun by then."""
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
    """The block after ``parent``, with every payment to a key of ours in it.

    It releases nothing for payments that still wait: some of them were perhaps replaced by those in the block.
    """
    at = cursor(conn)
    if at == ref:
        return
    if at != parent or ref.height != parent.height + 1:
        raise OutOfOrder(f"block {ref.height} does not follow the cursor")
    conn.execute(insert(block).values(height=ref.height, hash=ref.hash))
    touched = _store(conn, payments, now, height=ref.height, block_hash=ref.hash, waiting=0)
    settle_invoices(conn, touched | _not_final(conn), now)


def undo(conn: Connection, ref: BlockRef, now: int) -> None:
    """``ref``, the cursor, left the chain: its payments wait for a block again (a coinbase is gone)."""
    if cursor(conn) != ref:
        raise OutOfOrder(f"block {ref.height} is not the cursor")
    in_block = payment.c.block_hash == ref.hash
    touched = set(conn.scalars(select(payment.c.transfer_id).where(in_block)))
    touched |= _not_final(conn) | _final_since(conn, ref.height)
    waits = (payment.c.maturity == 0).cast(payment.c.unconfirmed.type)
    conn.execute(update(payment).where(in_block).values(height=None, block_hash=None, unconfirmed=waits))
    conn.execute(delete(block).where(block.c.height == ref.height))
    settle_invoices(conn, touched, now)


def unconfirmed(conn: Connection, payments: Sequence[Payment], now: int, *, loss_budget: int = 0) -> None:
    """Exactly these wait for a block now; what waited and is not among them was replaced or dropped.

    ``loss_budget``: how many satoshis may be released for payments that no block holds (see bitcache.losses).
    """
    present = {one.reference for one in payments}
    waiting = select(payment.c.reference, payment.c.transfer_id).where(payment.c.unconfirmed == 1)
    before = {row.reference: row.transfer_id for row in conn.execute(waiting)}
    gone = before.keys() - present
    for reference in gone:
        conn.execute(update(payment).where(payment.c.reference == reference).values(unconfirmed=0))
    fresh = [one for one in payments if one.reference not in before]
    touched = _store(conn, fresh, now, height=None, block_hash=None, waiting=1)
    touched |= {before[reference] for reference in gone} | set(conn.scalars(_HELD_BACK))
    settle_invoices(conn, touched, now, loss_budget)


def known_until(conn: Connection, until: int, now: int) -> None:
    """The chain is known up to ``until``: invoices whose time ended before it expire.

    When a clock that ran ahead is set right, ``until`` goes back, and what expired too early is open again.
    """
    upsert = insert(known).values(id=1, until=until)
    conn.execute(upsert.on_conflict_do_update(index_elements=["id"], set_={"until": upsert.excluded.until}))
    over = and_(invoice.c.state == "new", invoice.c.expires_at < until)
    early = and_(invoice.c.state == "expired", invoice.c.expires_at >= until)
    settle_invoices(conn, set(conn.scalars(select(invoice.c.transfer_id).where(or_(over, early)))), now)


def known_time(conn: Connection) -> int:
    """Up to when the chain was known last (Unix seconds); 0 before the first time."""
    return conn.scalar(select(known.c.until)) or 0


def _not_final(conn: Connection) -> set[str]:
    """Transfers that count confirmations, whatever state they are in: every block may make one of their payments final.

    They have received more than is confirmed; an index holds just these.
    """
    return set(conn.scalars(_NOT_FINAL))


def _final_since(conn: Connection, height: int) -> set[str]:
    """Transfers with an older payment that became final with exactly the block at ``height``."""
    return set(conn.scalars(_FINAL_SINCE, {"height": height}))


def _store(
    conn: Connection, payments: Iterable[Payment], now: int, *, height: int | None, block_hash: str | None, waiting: int
) -> set[str]:
    """Write payments to keys of ours; returns the transfers they touch."""
    found = list(payments)
    owners = _owners(conn, {one.key for one in found})
    rows = [
        {
            "reference": one.reference,
            "transfer_id": owners[one.key],
            "amount_sat": int(one.amount),
            "maturity": one.maturity,
            "height": height,
            "block_hash": block_hash,
            "unconfirmed": waiting,
            "seen_at": now,
        }
        for one in found
        if one.key in owners
    ]
    if rows:
        conn.execute(_STORE, rows)
    return {owners[one.key] for one in found if one.key in owners}


def _owners(conn: Connection, wanted: set[bytes]) -> dict[bytes, str]:
    owners: dict[bytes, str] = {}
    for part in _parts(sorted(wanted)):
        found = conn.execute(_OWNERS, {"keys": part})
        owners.update({row.key: row.transfer_id for row in found})
    return owners


def _parts(items: list[bytes], size: int = 500) -> Iterator[list[bytes]]:
    """SQLite takes a bounded number of parameters."""
    for first in range(0, len(items), size):
        yield items[first : first + size]
