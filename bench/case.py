"""What a benchmark is: one number of ours and one of a peer's, measured in turn."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

RATES = ("MB/s", "1/s")  #: units of which more is better; of all others less is


@dataclass(frozen=True, slots=True)
class Case:
    """``ours`` and ``theirs`` each do the work once and return the value in ``unit``."""

    name: str
    unit: str
    ours: Callable[[], float]
    peer: str | None = None
    theirs: Callable[[], float] | None = None
    note: str = ""

    @property
    def more_is_better(self) -> bool:
        """Whether this is a rate."""
        return self.unit in RATES


def seconds(work: Callable[[], object]) -> float:
    """How long ``work`` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def rate(count: float, work: Callable[[], object]) -> Callable[[], float]:
    """A measurement: ``count`` things per second."""
    return lambda: count / seconds(work)


def milliseconds(work: Callable[[], object]) -> Callable[[], float]:
    """A measurement: how many milliseconds."""
    return lambda: 1000 * seconds(work)
