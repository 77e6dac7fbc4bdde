"""Step 5, settlement: what state do these observations put an invoice in?

One pure function.  It knows amounts, confirmations, what is final, and time, never the rail that carried them.
Because the answer depends only on the set of surviving observations, their order and repetition cannot matter.

The states and marks are those of ``docs/protocol.md`` §6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bitcache.money import Sat, total


class State(StrEnum):
    """Where an invoice stands."""

    NEW = "new"
    PROCESSING = "processing"
    SETTLED = "settled"
    EXPIRED = "expired"
    INVALID = "invalid"


class Mark(StrEnum):
    """What is worth saying beside the state."""

    PAID_PARTIAL = "paid_partial"
    PAID_OVER = "paid_over"
    PAID_LATE = "paid_late"
    NOT_IN_MEMPOOL = "not_in_mempool"


class PaymentStatus(StrEnum):
    """What became of a payment: it may still be undone, it was, or it cannot be."""

    SURVIVING = "surviving"
    WITHDRAWN = "withdrawn"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class Terms:
    """What an invoice asks: fixed when it is issued.  Times are Unix seconds."""

    amount: Sat
    confirmations: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class Observation:
    """One payment that survives: seen at ``seen_at``, ``confirmations`` deep (0: not in a block).

    ``maturity`` is what the network itself demands before this money counts (a coinbase: 100).  ``absent``: it was
    seen, and is neither in a block nor in the mempool now, though nothing else is known to spend its coins.
    ``smallest`` is the least that can be paid at once that way: a smaller rest is asked for as that.
    ``final`` is what a rail without blocks says; None: confirmations decide.
    """

    amount: Sat
    confirmations: int
    seen_at: int
    maturity: int = 0
    absent: bool = False
    smallest: int = 0
    final: bool | None = None

    def counts(self, required: int) -> bool:
        """Return whether it counts where ``required`` confirmations are asked for.

        What is absent was received, so nobody is asked to pay twice; but nothing is released for it, without a block.
        """
        if self.final is not None:
            return self.final
        return not self.absent and self.confirmations >= max(required, self.maturity)


@dataclass(frozen=True, slots=True)
class Settlement:
    """The answer: state, marks, and the sums that pages show (satoshis)."""

    state: State
    marks: frozenset[Mark]
    received: Sat
    confirmed: Sat
    confirmations: int

    def due(self, terms: Terms) -> int:
        """Return satoshis still missing, counting what is merely seen."""
        return max(0, terms.amount - self.received)


def settle(terms: Terms, observations: Sequence[Observation], *, released: bool, known_until: int) -> Settlement:
    """Return the state that these observations imply.

    ``released`` is whether a grant exists (it cannot be taken back); ``known_until`` is the time up
    to which the chain is known, so that a node that is away pauses expiry.
    """
    received = total([seen.amount for seen in observations])
    confirmed = total([seen.amount for seen in observations if seen.counts(terms.confirmations)])
    state = _state(terms, received, confirmed, released=released, known_until=known_until)
    return Settlement(state, _marks(terms, observations, received), received, confirmed, _depth(terms, observations))


def _state(terms: Terms, received: Sat, confirmed: Sat, *, released: bool, known_until: int) -> State:
    if released:  # cannot be taken back: it stands while its payments survive at all
        return State.SETTLED if received >= terms.amount else State.INVALID
    if confirmed >= terms.amount:
        return State.SETTLED
    if received >= terms.amount:
        return State.PROCESSING
    return State.EXPIRED if known_until > terms.expires_at else State.NEW


def _marks(terms: Terms, observations: Sequence[Observation], received: Sat) -> frozenset[Mark]:
    marks = set()
    if 0 < received < terms.amount:
        marks.add(Mark.PAID_PARTIAL)
    if received > terms.amount and not _raised(terms, observations, received):
        marks.add(Mark.PAID_OVER)
    if any(seen.seen_at > terms.expires_at for seen in observations):
        marks.add(Mark.PAID_LATE)
    if any(seen.absent for seen in observations):
        marks.add(Mark.NOT_IN_MEMPOOL)
    return frozenset(marks)


def _raised(terms: Terms, observations: Sequence[Observation], received: Sat) -> bool:
    """Return whether more came in only because a rest too small to pay was asked for as the smallest payable amount."""
    return any(seen.amount == seen.smallest and received - seen.smallest < terms.amount for seen in observations)


def _depth(terms: Terms, observations: Sequence[Observation]) -> int:
    """Return confirmations of the payment that completes the amount, what is final first; 0 if none does.

    An amount that is complete without the chain has all the confirmations that are asked for.
    """
    gathered = 0
    for seen in sorted(observations, key=lambda observation: (not observation.final, -observation.confirmations)):
        gathered += seen.amount
        if gathered >= terms.amount:
            return terms.confirmations if seen.final else seen.confirmations
    return 0
