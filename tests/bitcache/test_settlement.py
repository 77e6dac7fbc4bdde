"""Settlement is a function: the same observations, in any order, give the same state."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitcache.money import MAX_MONEY, Sat
from bitcache.settlement import Mark, Observation, Settlement, State, Terms, settle

EXPIRY = 1_000
TERMS = Terms(Sat(5_000), 2, EXPIRY)
IN_TIME, LATE = EXPIRY, EXPIRY + 1


def seen(amount: int, confirmations: int = 0, at: int = IN_TIME, maturity: int = 0) -> Observation:
    """One payment."""
    return Observation(Sat(amount), confirmations, at, maturity)


def decide(*observations: Observation, released: bool = False, known: int = 0, terms: Terms = TERMS) -> Settlement:
    """Settle with the usual terms: 5 000 sat, two confirmations."""
    return settle(terms, observations, released=released, known_until=known)


STATES = {
    "nothing, in time": ([], IN_TIME, "new"),
    "nothing, time is up": ([], LATE, "expired"),
    "enough seen": ([seen(5_000)], IN_TIME, "processing"),
    "enough seen, time is up": ([seen(5_000)], LATE, "processing"),
    "too little seen": ([seen(4_999)], IN_TIME, "new"),
    "too little, time is up": ([seen(4_999, 9)], LATE, "expired"),
    "one confirmation of two": ([seen(5_000, 1)], IN_TIME, "processing"),
    "two confirmations": ([seen(5_000, 2)], IN_TIME, "settled"),
    "many confirmations": ([seen(5_000, 900)], LATE, "settled"),
    "paid late, confirmed": ([seen(5_000, 2, LATE)], LATE, "settled"),
    "two halves": ([seen(2_500, 2), seen(2_500, 3)], IN_TIME, "settled"),
    "one half confirmed": ([seen(2_500, 2), seen(2_500, 1)], IN_TIME, "processing"),
    "enough confirmed, more seen": ([seen(5_000, 2), seen(5_000)], IN_TIME, "settled"),
    "too much": ([seen(9_000, 2)], IN_TIME, "settled"),
    "a young coinbase": ([seen(5_000, 99, maturity=100)], IN_TIME, "processing"),
    "a mature coinbase": ([seen(5_000, 100, maturity=100)], IN_TIME, "settled"),
}


@pytest.mark.parametrize(("observations", "known", "state"), STATES.values(), ids=STATES)
def test_states_before_release(observations: list[Observation], known: int, state: str) -> None:
    assert decide(*observations, known=known).state == state


RELEASED = {
    "still confirmed": ([seen(5_000, 2)], "settled"),
    "reorganised, waiting again": ([seen(5_000)], "settled"),
    "shallower than before": ([seen(5_000, 1)], "settled"),
    "gone": ([], "invalid"),
    "partly gone": ([seen(4_999, 7)], "invalid"),
}


@pytest.mark.parametrize("known", [IN_TIME, LATE])
@pytest.mark.parametrize(("observations", "state"), RELEASED.values(), ids=RELEASED)
def test_states_after_release(observations: list[Observation], known: int, state: str) -> None:
    """A release cannot be taken back: it stands, or it is a loss."""
    assert decide(*observations, released=True, known=known).state == state


def test_zero_confirmations_settle_at_sight() -> None:
    terms = Terms(Sat(5_000), 0, EXPIRY)
    assert decide(seen(5_000), terms=terms).state is State.SETTLED
    assert decide(seen(5_000, maturity=100), terms=terms).state is State.PROCESSING


MARKS = {
    "nothing": ([], set()),
    "exactly": ([seen(5_000)], set()),
    "too little": ([seen(1)], {Mark.PAID_PARTIAL}),
    "too much": ([seen(5_000), seen(1)], {Mark.PAID_OVER}),
    "late": ([seen(5_000, 2, LATE)], {Mark.PAID_LATE}),
    "half of it late": ([seen(2_500), seen(2_500, at=LATE)], {Mark.PAID_LATE}),
    "late and too much": ([seen(6_000, at=LATE)], {Mark.PAID_LATE, Mark.PAID_OVER}),
    "late and too little": ([seen(6, at=LATE)], {Mark.PAID_LATE, Mark.PAID_PARTIAL}),
}


@pytest.mark.parametrize(("observations", "marks"), MARKS.values(), ids=MARKS)
def test_marks(observations: list[Observation], marks: set[Mark]) -> None:
    assert decide(*observations).marks == marks


def test_sums() -> None:
    answer = decide(seen(2_000, 2), seen(1_000, 1), seen(500))
    assert (answer.received, answer.confirmed, answer.due(TERMS)) == (3_500, 2_000, 1_500)
    assert decide(seen(9_000)).due(TERMS) == 0


DEPTHS = {
    "nothing": ([], 0),
    "too little": ([seen(4_999, 7)], 0),
    "one payment": ([seen(5_000, 7)], 7),
    "the payment that completes it": ([seen(3_000, 9), seen(2_000, 4)], 4),
    "later money does not hold it back": ([seen(5_000, 9), seen(2_000, 0)], 9),
}


@pytest.mark.parametrize(("observations", "depth"), DEPTHS.values(), ids=DEPTHS)
def test_confirmations_are_those_of_the_payment_that_completes(observations: list[Observation], depth: int) -> None:
    assert decide(*observations).confirmations == depth


# For any observations

observations = st.lists(
    st.builds(
        Observation,
        st.integers(0, MAX_MONEY // 100).map(Sat),
        st.integers(0, 200),
        st.integers(0, 2 * EXPIRY),
        st.sampled_from([0, 0, 100]),
    ),
    max_size=12,
)
terms = st.builds(Terms, st.integers(1, MAX_MONEY // 50).map(Sat), st.integers(0, 6), st.integers(0, 2 * EXPIRY))
times = st.integers(0, 3 * EXPIRY)


@given(terms, observations, st.booleans(), times, st.randoms())
def test_order_does_not_matter(
    asked: Terms, given_: list[Observation], released: bool, known: int, chance: random.Random
) -> None:
    shuffled = given_.copy()
    chance.shuffle(shuffled)
    assert settle(asked, given_, released=released, known_until=known) == settle(
        asked, shuffled, released=released, known_until=known
    )


@given(terms, observations, times)
def test_settled_means_enough_and_confirmed(asked: Terms, given_: list[Observation], known: int) -> None:
    answer = settle(asked, given_, released=False, known_until=known)
    enough = [payment for payment in given_ if payment.confirmations >= max(asked.confirmations, payment.maturity)]
    assert (answer.state is State.SETTLED) == (sum(payment.amount for payment in enough) >= asked.amount)
    assert answer.state is not State.INVALID


@given(terms, observations, times)
def test_time_alone_never_takes_a_payment_away(asked: Terms, given_: list[Observation], known: int) -> None:
    now = settle(asked, given_, released=False, known_until=known)
    later = settle(asked, given_, released=False, known_until=known + EXPIRY)
    assert later == now or (now.state is State.NEW and later.state is State.EXPIRED)


@given(terms, observations, observations, times)
def test_more_payments_never_make_it_worse(
    asked: Terms, given_: list[Observation], more: list[Observation], known: int
) -> None:
    rank = {State.EXPIRED: 0, State.NEW: 0, State.PROCESSING: 1, State.SETTLED: 2}
    before = settle(asked, given_, released=False, known_until=known)
    after = settle(asked, [*given_, *more], released=False, known_until=known)
    assert rank[after.state] >= rank[before.state]


@given(terms, observations, times)
def test_after_release_it_is_settled_or_a_loss(asked: Terms, given_: list[Observation], known: int) -> None:
    answer = settle(asked, given_, released=True, known_until=known)
    assert answer.state is (State.SETTLED if answer.received >= asked.amount else State.INVALID)


OVER = {
    "the rest raised to the smallest": ([seen(4_900), seen(294)], False),
    "in the other order": ([seen(294), seen(4_900)], False),
    "after two parts": ([seen(2_000), seen(2_950), seen(294)], False),
    "more than the smallest": ([seen(4_900), seen(295)], True),
    "less than the smallest, but more than the rest": ([seen(4_900), seen(200)], True),
    "the smallest once more after all was there": ([seen(5_000), seen(294)], True),
    "too much at once": ([seen(5_100)], True),
    "exactly": ([seen(4_706), seen(294)], False),
}


@pytest.mark.parametrize(("observations", "over"), OVER.values(), ids=OVER)
def test_whoever_pays_what_was_asked_has_not_paid_too_much(observations: list[Observation], over: bool) -> None:
    """A rest too small for the network is asked for as the least that it carries."""
    at_least = [replace(observation, smallest=294) for observation in observations]
    assert (Mark.PAID_OVER in decide(*at_least).marks) == over


def test_a_price_below_the_smallest_is_paid_with_the_smallest() -> None:
    """Invoices of before the payout's address type had another one."""
    terms = Terms(Sat(294), 1, EXPIRY)
    assert decide(replace(seen(540), smallest=540), terms=terms).marks == frozenset()
    assert decide(replace(seen(541), smallest=540), terms=terms).marks == {Mark.PAID_OVER}


def final(amount: int, *, yes: bool = True) -> Observation:
    """One payment of a rail without blocks."""
    return Observation(Sat(amount), 0, IN_TIME, final=yes)


def test_what_is_final_needs_no_confirmations() -> None:
    """And shows all that were asked for: nothing more is waited for."""
    paid = decide(final(5_000))
    assert (paid.state, paid.confirmed, paid.confirmations) == (State.SETTLED, 5_000, TERMS.confirmations)


def test_what_is_not_final_yet_releases_nothing() -> None:
    """Not even where no confirmations are asked for: those are about blocks."""
    for terms in (TERMS, replace(TERMS, confirmations=0)):
        paid = decide(final(5_000, yes=False), terms=terms)
        assert (paid.state, paid.received, paid.confirmed) == (State.PROCESSING, 5_000, 0)


def test_two_rails_pay_one_invoice() -> None:
    """Some by a final payment, the rest on the chain: its confirmations are those that count."""
    waiting = decide(final(3_000), seen(2_000, 1))
    assert (waiting.state, waiting.confirmed, waiting.confirmations) == (State.PROCESSING, 3_000, 1)
    assert decide(final(3_000), seen(2_000, 2)).state is State.SETTLED
    assert decide(final(3_000), seen(2_000)).marks == frozenset()
    assert decide(final(5_000), seen(5_000, 2)).marks == {Mark.PAID_OVER}
