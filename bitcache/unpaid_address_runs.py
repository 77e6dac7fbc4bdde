"""Runs of addresses that were given out and never paid, kept so that the longest is found without reading them all.

A wallet looks only so far past the last address that was paid (its gap limit), so the longest run is how far the
seller's wallet must look.  A run is a row ``(first, length)``; the last one of an account has no length yet, because
it grows with every address given out.  Addresses left out for ever belong to the runs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from bitcache.storage.tables import unpaid_run

# Built once: building a statement takes several times as long as running it.
_RUN_AT = (
    select(unpaid_run.c.first, unpaid_run.c.length)
    .where(unpaid_run.c.payout_id == bindparam("payout_id"), unpaid_run.c.first <= bindparam("index"))
    .order_by(unpaid_run.c.first.desc())
    .limit(1)
)
_ANY = select(unpaid_run.c.first).where(unpaid_run.c.payout_id == bindparam("payout_id")).limit(1)
_INSERT = insert(unpaid_run)
_DELETE = delete(unpaid_run).where(
    unpaid_run.c.payout_id == bindparam("payout"), unpaid_run.c.first == bindparam("start")
)
_LONGEST = select(func.max(unpaid_run.c.length)).where(unpaid_run.c.payout_id == bindparam("payout_id"))
_LAST = select(unpaid_run.c.first).where(
    unpaid_run.c.payout_id == bindparam("payout_id"), unpaid_run.c.length.is_(None)
)

Run = tuple[int, int | None]  #: first index, and how many; None: all that come after


def mark_paid(conn: Connection, payout_id: int, indexes: Iterable[int]) -> None:
    """Take these addresses of an account out of their runs, because something was received on them."""
    removed: list[int] = []
    added: list[Run] = []
    rest: Run | None = None
    for index in sorted(indexes):
        if rest is None or not _holds(rest, index):
            if rest is not None:
                added.append(rest)
            rest = _run_at(conn, payout_id, index)
            if rest is None or not _holds(rest, index):
                rest = None
                continue
            removed.append(rest[0])
        before, rest = _split(rest, index)
        if before is not None:
            added.append(before)
    if rest is not None:
        added.append(rest)
    _replace(conn, payout_id, removed, added)


def mark_unpaid(conn: Connection, payout_id: int, indexes: Iterable[int]) -> None:
    """Put these addresses back, because what was received on them was withdrawn; joins the runs on both sides."""
    for index in sorted(indexes):
        left, right = _run_at(conn, payout_id, index), _run_at(conn, payout_id, index + 1)
        if left is not None and _holds(left, index):
            continue
        joined: Run = (index, 1)
        removed = []
        if left is not None and _end(left) == index:
            joined = (left[0], index + 1 - left[0])
            removed.append(left[0])
        if right is not None and right[0] == index + 1:
            joined = (joined[0], None if right[1] is None else right[0] + right[1] - joined[0])
            removed.append(right[0])
        _replace(conn, payout_id, removed, [joined])


def longest(conn: Connection, payout_id: int, next_index: int) -> int:
    """Return the length of the longest run, of addresses up to ``next_index`` (not included)."""
    closed = conn.scalar(_LONGEST, {"payout_id": payout_id}) or 0
    return max(closed, newest(conn, payout_id, next_index))


def newest(conn: Connection, payout_id: int, next_index: int) -> int:
    """Return how many addresses were given out since the last one that was paid."""
    first = conn.scalar(_LAST, {"payout_id": payout_id}) or 0
    return next_index - first


def _run_at(conn: Connection, payout_id: int, index: int) -> Run | None:
    """Return the last run that begins at ``index`` or before; one without end where nothing was ever paid."""
    row = conn.execute(_RUN_AT, {"payout_id": payout_id, "index": index}).first()
    if row is not None:
        return row.first, row.length
    return None if conn.scalar(_ANY, {"payout_id": payout_id}) is not None else (0, None)


def _end(run: Run) -> float:
    """Return the first index after a run."""
    first, length = run
    return math.inf if length is None else first + length


def _holds(run: Run, index: int) -> bool:
    return run[0] <= index < _end(run)


def _split(run: Run, index: int) -> tuple[Run | None, Run | None]:
    """Return what is left of a run before and after ``index``."""
    first, length = run
    before = (first, index - first) if index > first else None
    if length is None:
        return before, (index + 1, None)
    left = first + length - index - 1
    return before, (index + 1, left) if left else None


def _replace(conn: Connection, payout_id: int, removed: list[int], added: list[Run]) -> None:
    if removed:
        conn.execute(_DELETE, [{"payout": payout_id, "start": first} for first in removed])
    if added:
        conn.execute(_INSERT, [{"payout_id": payout_id, "first": first, "length": length} for first, length in added])
