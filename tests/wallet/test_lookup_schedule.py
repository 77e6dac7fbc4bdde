"""When a wallet is asked whether its invoices were paid: soon, less and less, and never more often than relays bear."""

from __future__ import annotations

from itertools import pairwise

from bitcache.payment_rail import AwaitedRequest
from wallet.rails.lookup_schedule import LATE_SECONDS, LONGEST_INTERVAL, LookupSchedule

START = 1_800_000_000
HOUR = 3600


def request(number: int, created_at: int = START) -> AwaitedRequest:
    return AwaitedRequest(bytes([number]) * 32, f"invoice {number}", created_at, created_at + HOUR)


def asked_at(schedule: LookupSchedule, seconds: int) -> list[int]:
    """Return when the wallet was asked, each answered at once."""
    times = []
    for at in range(START, START + seconds):
        while (due := schedule.next(at)) is not None:
            schedule.looked(due.match_key, at)
            times.append(at - START)
    return times


def test_one_invoice_is_asked_for_less_and_less_and_once_after_its_end() -> None:
    schedule = LookupSchedule()
    schedule.update([request(1)])
    times = asked_at(schedule, 2 * HOUR)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert times[0] == 2
    assert max(gaps[:20]) == 2
    assert max(gaps) <= LONGEST_INTERVAL
    assert times[-1] == HOUR + LATE_SECONDS + 1


def test_never_more_than_the_relay_bears() -> None:
    schedule = LookupSchedule(most_a_minute=40)
    schedule.update([request(number) for number in range(100)])
    times = asked_at(schedule, 600)
    for start in range(0, 540):
        assert sum(start <= at < start + 60 for at in times) <= 40
    assert len(times) >= 39 * 9


def test_all_of_many_are_asked_for_in_turn() -> None:
    schedule = LookupSchedule(most_a_minute=40)
    schedule.update([request(number) for number in range(100)])
    seen = set()
    for at in range(START, START + 200):
        while (due := schedule.next(at)) is not None:
            schedule.looked(due.match_key, at)
            seen.add(due.match_key)
    assert len(seen) == 100


def test_a_hint_is_asked_for_at_once_and_one_hint_alone_does_nothing_else() -> None:
    schedule = LookupSchedule()
    schedule.update([request(1), request(2)])
    for at in (START + 2, START + 2):
        due = schedule.next(at)
        assert due is not None
        schedule.looked(due.match_key, at)
    assert schedule.next(START + 2) is None
    schedule.hint(request(2).match_key)
    schedule.hint(b"nobody's" * 4)
    assert schedule.next(START + 2) == request(2)
    assert schedule.next(START + 2) is None


def test_what_is_known_ends_with_the_invoice_that_was_asked_for_first() -> None:
    """A wallet that does not answer keeps it where it is: its invoices do not expire."""
    schedule = LookupSchedule()
    assert schedule.known_until(START) == START
    schedule.update([request(1), request(2)])
    assert schedule.known_until(START + 50) < START
    schedule.looked(request(1).match_key, START + 50)
    assert schedule.known_until(START + 50) < START
    schedule.looked(request(2).match_key, START + 51)
    assert schedule.known_until(START + 60) == START + 50
    late = START + HOUR + LATE_SECONDS + 1
    schedule.looked(request(1).match_key, late)
    schedule.looked(request(2).match_key, late)
    assert schedule.known_until(late + 5) == late + 5


def test_a_clock_that_was_set_back_stops_no_question() -> None:
    """Neither what was asked for in what is now the future, nor what was made there, waits until the clock is there."""
    schedule = LookupSchedule(most_a_minute=2)
    schedule.update([request(1), request(2), request(3, START + 10)])
    for at in range(START, START + 60):
        while (due := schedule.next(at)) is not None:
            schedule.looked(due.match_key, at)
    seen = set()
    for at in range(START - HOUR, START - HOUR + 200):
        while (due := schedule.next(at)) is not None:
            schedule.looked(due.match_key, at)
            seen.add(due.match_key)
    assert len(seen) == 3


def test_what_was_looked_up_by_a_clock_that_was_ahead_is_not_over() -> None:
    """It ended there, and can be paid here."""
    schedule = LookupSchedule()
    schedule.update([request(1)])
    ahead = START + 2 * HOUR
    due = schedule.next(ahead)
    assert due is not None
    schedule.looked(due.match_key, ahead)
    assert schedule.next(ahead + 60) is None, "its last look"
    assert schedule.next(START + 60) is not None
    assert schedule.known_until(START + 60) <= START + 60
