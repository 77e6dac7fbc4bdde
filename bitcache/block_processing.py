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

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BindParameter, Connection, Integer, Row, and_, bindparam, delete, func, or_, select, update
from sqlalchemy.dialects.sqlite import Insert, insert

from bitcache.apply_settlement import settle_invoices
from bitcache.money import Sat
from bitcache.storage.id_lists import among_ids, ids
from bitcache.storage.tables import block, invoice, known, payment, payment_transaction

#: No payment needs more confirmations than this.
DEEPEST = 100
#: So many blocks a payment may be absent before it is given up: about two weeks, after which nodes forget it, too.
LONGEST_ABSENCE = 2_016
#: Larger transactions (bytes, with their ancestors) are not kept: one that is absent then counts as withdrawn.
LARGEST_KEPT = 400_000

_HEIGHT: BindParameter[int] = bindparam("height", type_=Integer)

# Built once: building a statement takes several times as long as running it.
_NEWEST = select(block.c.height, block.c.hash).order_by(block.c.height.desc()).limit(1)
_OWNERS = select(invoice.c.key, invoice.c.purchase_id).where(invoice.c.key.in_(bindparam("keys", expanding=True)))
_NOT_FINAL = select(invoice.c.purchase_id).where(invoice.c.received_sat > invoice.c.confirmed_sat)
#: Would be released unconfirmed; a block came before the mempool was read.
_HELD_BACK = _NOT_FINAL.where(invoice.c.required_confirmations == 0, invoice.c.state == "processing")
_FINAL_SINCE = (
    select(payment.c.purchase_id)
    .join(invoice, invoice.c.purchase_id == payment.c.purchase_id)
    .where(
        payment.c.block_hash.in_(select(block.c.hash).where(block.c.height > _HEIGHT - DEEPEST)),
        payment.c.height + func.max(invoice.c.required_confirmations, payment.c.maturity) - 1 == _HEIGHT,
    )
)

_Waiting = Row[Any, Any, Any]
_WAITING = select(payment.c.reference, payment.c.purchase_id, payment.c.absent_since).where(payment.c.unconfirmed == 1)
_KEPT = (
    select(payment_transaction)
    .where(among_ids(payment_transaction.c.txid))
    .order_by(payment_transaction.c.txid, payment_transaction.c.position)
)
_KEPT_COUNTS = (
    select(payment_transaction.c.txid, func.count())
    .where(among_ids(payment_transaction.c.txid))
    .group_by(payment_transaction.c.txid)
)
_KEPT_IDS = select(payment_transaction.c.txid).where(among_ids(payment_transaction.c.txid)).distinct()
_FORGET = delete(payment_transaction).where(among_ids(payment_transaction.c.txid))
_MISS = (
    update(payment)
    .where(payment.c.reference == bindparam("missed"))
    .values(unconfirmed=bindparam("waits"), absent_since=bindparam("since"))
)
_IN_BLOCK_AT = select(payment.c.reference).where(
    payment.c.block_hash == select(block.c.hash).where(block.c.height == _HEIGHT).scalar_subquery()
)


def _upsert() -> Insert:
    upsert = insert(payment)
    new = {name: upsert.excluded[name] for name in ("height", "block_hash", "unconfirmed", "maturity", "absent_since")}
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
    #: The raw transaction that carries it, its unconfirmed ancestors before it; empty where they are not known.
    transactions: tuple[bytes, ...] = field(default=(), repr=False, compare=False)

    @property
    def txid(self) -> str:
        """What carries it, and perhaps other payments."""
        return txid_of(self.reference)


def txid_of(reference: str) -> str:
    """The transaction of a payment."""
    return reference.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Absent:
    """A transaction that pays us, in no block and not in the mempool: its unconfirmed ancestors, and itself."""

    txid: str
    transactions: tuple[bytes, ...]


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
    _forget_deep(conn, ref.height)
    settle_invoices(conn, touched | _not_final(conn), now)


def undo(conn: Connection, ref: BlockRef, now: int) -> None:
    """``ref``, the cursor, left the chain: its payments wait for a block again (a coinbase is gone)."""
    if cursor(conn) != ref:
        raise OutOfOrder(f"block {ref.height} is not the cursor")
    in_block = payment.c.block_hash == ref.hash
    touched = set(conn.scalars(select(payment.c.purchase_id).where(in_block)))
    touched |= _not_final(conn) | _final_since(conn, ref.height)
    waits = (payment.c.maturity == 0).cast(payment.c.unconfirmed.type)
    conn.execute(update(payment).where(in_block).values(height=None, block_hash=None, unconfirmed=waits))
    conn.execute(delete(block).where(block.c.height == ref.height))
    settle_invoices(conn, touched, now)


def unconfirmed(
    conn: Connection,
    payments: Sequence[Payment],
    now: int,
    *,
    conflicted: Collection[str] = (),
    loss_budget: int = 0,
) -> None:
    """These wait for a block now.  What waited and is not among them is absent: received, and out of sight.

    It is withdrawn when its transaction is among ``conflicted`` (something else spends its coins), when it is absent
    for :data:`LONGEST_ABSENCE` blocks, or when its transaction is not known, so that nobody could tell.
    ``loss_budget``: how many satoshis may be released for payments that no block holds
    (see bitcache.zero_conf_exposure).
    """
    before = {row.reference: row for row in conn.execute(_WAITING)}
    missed = settle_absence(conn, payments, conflicted)
    back = {reference for reference, row in before.items() if row.absent_since is not None}
    fresh = [paid for paid in payments if paid.reference not in before or paid.reference in back]
    touched = _store(conn, fresh, now, height=None, block_hash=None, waiting=1)
    keep_transactions(conn, payments)
    touched |= {row.purchase_id for row in missed} | set(conn.scalars(_HELD_BACK))
    settle_invoices(conn, touched, now, loss_budget)


def settle_absence(conn: Connection, present: Sequence[Payment], conflicted: Collection[str]) -> list[_Waiting]:
    """What waits and is not ``present`` becomes absent, or is withdrawn; return those that changed, as they were."""
    references = {paid.reference for paid in present}
    gone = [row for row in conn.execute(_WAITING).all() if row.reference not in references]
    return _miss(conn, gone, conflicted)


def absent(conn: Connection, present: Collection[str]) -> list[Absent]:
    """What waits for a block by the ledger and is not among the references ``present``, if its transaction is known."""
    txids = {txid_of(row.reference) for row in conn.execute(_WAITING) if row.reference not in present}
    return list(_kept(conn, txids).values())


def kept_transactions(conn: Connection) -> list[Absent]:
    """Every transaction that is kept, absent or not."""
    return list(_kept(conn, set(conn.scalars(select(payment_transaction.c.txid)))).values())


def keep_transactions(conn: Connection, payments: Sequence[Payment]) -> None:
    """Keep what carries these payments until they are deep in the chain; with more ancestors it replaces what is kept.

    An ancestor that was in a block when the payment was first seen waits again once that block is undone.
    """
    asked = {paid.txid: paid.transactions for paid in payments if 0 < sum(map(len, paid.transactions)) <= LARGEST_KEPT}
    known: dict[str, int] = {row.txid: row[1] for row in conn.execute(_KEPT_COUNTS, ids(asked))} if asked else {}
    grown = {txid for txid, count in known.items() if len(asked[txid]) > count}
    if grown:
        conn.execute(_FORGET, ids(grown))
    rows = [
        {"txid": txid, "position": position, "raw": raw}
        for txid, transactions in asked.items()
        if txid not in known or txid in grown
        for position, raw in enumerate(transactions)
    ]
    if rows:
        conn.execute(insert(payment_transaction), rows)


def _miss(conn: Connection, gone: Sequence[_Waiting], conflicted: Collection[str]) -> list[_Waiting]:
    """These are not in the mempool: absent, or withdrawn; return those for which that is new."""
    if not gone:
        return []
    height = (cursor(conn) or BlockRef(0, "")).height
    kept = set(conn.scalars(_KEPT_IDS, ids({txid_of(row.reference) for row in gone})))
    changed, changes, withdrawn = list[_Waiting](), list[dict[str, Any]](), set[str]()
    for row in gone:
        txid, since = txid_of(row.reference), row.absent_since if row.absent_since is not None else height
        stays = txid in kept and txid not in conflicted and height - since < LONGEST_ABSENCE
        if stays and row.absent_since is not None:
            continue
        changed.append(row)
        changes.append({"missed": row.reference, "waits": int(stays), "since": since if stays else None})
        if not stays:
            withdrawn.add(txid)
    if changes:
        conn.execute(_MISS, changes)
    if withdrawn:
        conn.execute(_FORGET, ids(withdrawn))
    return changed


def _kept(conn: Connection, txids: Collection[str]) -> dict[str, Absent]:
    raws: dict[str, list[bytes]] = {}
    for row in conn.execute(_KEPT, ids(txids)):
        raws.setdefault(row.txid, []).append(row.raw)
    return {txid: Absent(txid, tuple(transactions)) for txid, transactions in raws.items()}


def _forget_deep(conn: Connection, height: int) -> None:
    """What carries a payment that no reorganisation reaches any more need not be handed to a node again."""
    deep = conn.scalars(_IN_BLOCK_AT, {"height": height - DEEPEST})
    txids = {txid_of(reference) for reference in deep}
    if txids:
        conn.execute(_FORGET, ids(txids))


def known_until(conn: Connection, until: int, now: int) -> None:
    """The chain is known up to ``until``: invoices whose time ended before it expire.

    When a clock that ran ahead is set right, ``until`` goes back, and what expired too early is open again.
    """
    upsert = insert(known).values(id=1, until=until)
    conn.execute(upsert.on_conflict_do_update(index_elements=["id"], set_={"until": upsert.excluded.until}))
    over = and_(invoice.c.state == "new", invoice.c.expires_at < until)
    early = and_(invoice.c.state == "expired", invoice.c.expires_at >= until)
    settle_invoices(conn, set(conn.scalars(select(invoice.c.purchase_id).where(or_(over, early)))), now)


def known_time(conn: Connection) -> int:
    """Up to when the chain was known last (Unix seconds); 0 before the first time."""
    return conn.scalar(select(known.c.until)) or 0


def _not_final(conn: Connection) -> set[str]:
    """Purchases that count confirmations, whatever state they are in: every block may make one of their payments final.

    They have received more than is confirmed; an index holds just these.
    """
    return set(conn.scalars(_NOT_FINAL))


def _final_since(conn: Connection, height: int) -> set[str]:
    """Purchases with an older payment that became final with exactly the block at ``height``."""
    return set(conn.scalars(_FINAL_SINCE, {"height": height}))


def _store(
    conn: Connection, payments: Iterable[Payment], now: int, *, height: int | None, block_hash: str | None, waiting: int
) -> set[str]:
    """Write payments to keys of ours; returns the purchases they touch."""
    found = list(payments)
    owners = _owners(conn, {paid.key for paid in found})
    rows = [
        {
            "reference": paid.reference,
            "purchase_id": owners[paid.key],
            "amount_sat": int(paid.amount),
            "maturity": paid.maturity,
            "height": height,
            "block_hash": block_hash,
            "unconfirmed": waiting,
            "seen_at": now,
            "absent_since": None,
        }
        for paid in found
        if paid.key in owners
    ]
    if rows:
        conn.execute(_STORE, rows)
    return {owners[paid.key] for paid in found if paid.key in owners}


def _owners(conn: Connection, wanted: set[bytes]) -> dict[bytes, str]:
    owners: dict[bytes, str] = {}
    for part in _parts(sorted(wanted)):
        found = conn.execute(_OWNERS, {"keys": part})
        owners.update({row.key: row.purchase_id for row in found})
    return owners


def _parts(items: list[bytes], size: int = 500) -> Iterator[list[bytes]]:
    """SQLite takes a bounded number of parameters."""
    for first in range(0, len(items), size):
        yield items[first : first + size]
