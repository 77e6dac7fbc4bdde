"""The settlement function: how many invoices a second one core decides."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bench.case import Case, rate
from bitcache.money import Sat
from bitcache.settlement import Observation, Terms, settle

COUNT = 20_000


@contextmanager
def cases() -> Iterator[list[Case]]:
    """An invoice with two payments, one of them late."""
    terms = Terms(Sat(2500), 1, 1_700_003_600)
    payments = [Observation(Sat(1500), 3, 1_700_000_100), Observation(Sat(1000), 1, 1_700_003_700)]

    def decide() -> None:
        for _ in range(COUNT):
            settle(terms, payments, released=False, known_until=1_700_004_000)

    yield [Case("settle an invoice", "1/s", rate(COUNT, decide), note="two payments each; pure function")]
