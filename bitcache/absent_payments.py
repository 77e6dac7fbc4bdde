"""Payments that wait for a block and have left the mempool: absent for a while, or withdrawn.

Their transactions are kept until no reorganisation reaches them any more, so that they can be handed to a node again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import BindParameter, Connection, Integer, Row, bindparam, delete, func, insert, select, update

from bitcache.chain_types import Absent, Payment, txid_of
from bitcache.settlement import PaymentStatus
from bitcache.storage.sqlite_only_sql import among_ids, ids
from bitcache.storage.tables import block, payment, payment_transaction

#: So many blocks a payment may be absent before it is given up: about two weeks, after which nodes forget it, too.
LONGEST_ABSENCE = 2_016
#: Larger transactions (bytes, with their ancestors) are not kept: one that is absent then counts as withdrawn.
LARGEST_KEPT = 400_000

_HEIGHT: BindParameter[int] = bindparam("height", type_=Integer)
#: What waits for a block by the ledger; an index holds just these.
WAITS = (
    payment.c.status == PaymentStatus.SURVIVING.value,
    payment.c.height.is_(None),
    payment.c.maturity.is_not(None),
)

# Built once: building a statement takes several times as long as running it.
_Waiting = Row[Any, Any, Any]
_WAITING = select(payment.c.reference, payment.c.purchase_id, payment.c.absent_since).where(*WAITS)
_TIP = select(func.max(block.c.height))
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
    .where(payment.c.reference == bindparam("missed"), payment.c.maturity.is_not(None))
    .values(status=bindparam("becomes"), absent_since=bindparam("since"))
)
_IN_BLOCK_AT = select(payment.c.reference).where(
    payment.c.block_hash == select(block.c.hash).where(block.c.height == _HEIGHT).scalar_subquery()
)


def waiting(conn: Connection) -> dict[str, bool]:
    """Return what waits for a block by the ledger, by reference, and whether it is absent."""
    return {row.reference: row.absent_since is not None for row in conn.execute(_WAITING)}


def settle_absence(conn: Connection, present: Sequence[Payment], conflicted: Collection[str]) -> set[str]:
    """Mark absent, or withdraw, what waits and is not ``present``; return the purchases for which that is new."""
    references = {paid.reference for paid in present}
    gone = [row for row in conn.execute(_WAITING).all() if row.reference not in references]
    return _miss(conn, gone, conflicted)


def absent(conn: Connection, present: Collection[str]) -> list[Absent]:
    """Return what waits for a block, is not among the references ``present``, and whose transaction is known."""
    txids = {txid_of(row.reference) for row in conn.execute(_WAITING) if row.reference not in present}
    return list(_kept(conn, txids).values())


def kept_transactions(conn: Connection) -> list[Absent]:
    """Return every transaction that is kept, absent or not."""
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


def _miss(conn: Connection, gone: Sequence[_Waiting], conflicted: Collection[str]) -> set[str]:
    """Mark these absent, or withdraw them: they are not in the mempool."""
    if not gone:
        return set()
    height = conn.scalar(_TIP) or 0
    kept = set(conn.scalars(_KEPT_IDS, ids({txid_of(row.reference) for row in gone})))
    changed, changes, withdrawn = set[str](), list[dict[str, Any]](), set[str]()
    for row in gone:
        txid, since = txid_of(row.reference), row.absent_since if row.absent_since is not None else height
        stays = txid in kept and txid not in conflicted and height - since < LONGEST_ABSENCE
        if stays and row.absent_since is not None:
            continue
        changed.add(row.purchase_id)
        becomes = PaymentStatus.SURVIVING if stays else PaymentStatus.WITHDRAWN
        changes.append({"missed": row.reference, "becomes": becomes.value, "since": since if stays else None})
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


def forget_transactions(conn: Connection, height: int) -> None:
    """Forget what carries a payment at ``height``, too deep for any reorganisation to be handed to a node again."""
    deep = conn.scalars(_IN_BLOCK_AT, {"height": height})
    txids = {txid_of(reference) for reference in deep}
    if txids:
        conn.execute(_FORGET, ids(txids))
