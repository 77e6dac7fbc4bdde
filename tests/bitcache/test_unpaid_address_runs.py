"""Runs of unpaid addresses: whatever is paid and withdrawn, in whatever order, they equal a plain list's."""

from __future__ import annotations

from itertools import groupby

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, select

from bitcache import unpaid_address_runs
from bitcache.storage.tables import metadata, unpaid_run

ISSUED = 12
STEPS = st.lists(
    st.tuples(st.booleans(), st.sets(st.integers(0, ISSUED - 1), min_size=1, max_size=5)), min_size=1, max_size=12
)


@settings(max_examples=150, deadline=None)
@given(steps=STEPS)
def test_runs_equal_those_of_a_list(steps: list[tuple[bool, set[int]]]) -> None:
    """Addresses are paid and withdrawn at random, several at a time, again and again."""
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    paid: set[int] = set()
    with engine.connect() as conn:
        for pays, indexes in steps:
            (unpaid_address_runs.mark_paid if pays else unpaid_address_runs.mark_unpaid)(conn, 1, indexes)
            paid = paid | indexes if pays else paid - indexes
            rows = conn.execute(select(unpaid_run.c.first, unpaid_run.c.length).order_by(unpaid_run.c.first)).all()
            assert [tuple(row) for row in rows] in (_runs(paid), [])
            assert unpaid_address_runs.longest(conn, 1, ISSUED) == max(
                [length or ISSUED - first for first, length in _runs(paid)], default=0
            )
            assert unpaid_address_runs.newest(conn, 1, ISSUED) == ISSUED - 1 - max(paid, default=-1)
    engine.dispose()


def _runs(paid: set[int]) -> list[tuple[int, int | None]]:
    """Every maximal run of unpaid indexes; the one after the last payment has no length."""
    last = max(paid, default=-1)
    runs: list[tuple[int, int | None]] = []
    for unpaid, indexes in groupby(range(last + 1), key=lambda index: index not in paid):
        run = list(indexes)
        if unpaid:
            runs.append((run[0], len(run)))
    return [*runs, (last + 1, None)]
