"""Quotas: what each network may take, and that room is kept for those who have nothing open."""

from __future__ import annotations

import pytest

from bitcache.errors import TooManyBuyers, TooManyInvoices
from bitcache.invoice_quotas import MOST_BITS, Quotas, Terms, Use, terms_of

QUOTAS = Quotas(network=20, listing=100, account=200, everything=1000, gap_limit=20, run=1000)
NOTHING = (0, 0, 0, 0)


def terms(networks: tuple[int, ...] = NOTHING, listing: int = 0, run: int = 0, idle: int = 0) -> Terms:
    """The terms with this much open."""
    return terms_of(Use(networks, listing, listing, listing, run, idle), QUOTAS)


def bits(networks: tuple[int, ...] = NOTHING, listing: int = 0, run: int = 0, idle: int = 0) -> int:
    return terms(networks, listing, run, idle).bits


def test_in_quiet_times_nobody_works() -> None:
    """Half of a network's quota, half of a listing's, a run that every wallet looks past."""
    assert terms((10, 10, 10, 10), 49, 19) == Terms(0, 1.0)


@pytest.mark.parametrize("networks", [(20, 20, 20, 20), (0, 20, 20, 20), (0, 0, 40, 40), (0, 0, 0, 160)])
def test_each_larger_network_has_a_bound(networks: tuple[int, ...]) -> None:
    """Many addresses of one network are not many buyers."""
    with pytest.raises(TooManyInvoices) as refused:
        terms(networks)
    assert type(refused.value) is TooManyInvoices, "it says that it is this network"
    fewer = tuple(max(0, count - 1) for count in networks)
    assert terms(fewer).bits > 0


def test_the_last_quarter_is_for_networks_with_nothing_open() -> None:
    """The others work from half on; the newcomers when it runs out, and they get the last one too."""
    unpaid = (1, 1, 1, 1)
    assert 0 < bits(unpaid, 50) < bits(unpaid, 65) < bits(unpaid, 74) <= MOST_BITS
    with pytest.raises(TooManyBuyers):
        terms(unpaid, 75)
    assert bits(NOTHING, 74) == 0
    assert 0 < bits(NOTHING, 75) < bits(NOTHING, 90) < bits(NOTHING, 99) <= MOST_BITS
    with pytest.raises(TooManyBuyers):
        terms(NOTHING, 100)


def test_a_newcomer_has_nothing_open_in_its_whole_site() -> None:
    """Another /64 of the same /48 is no newcomer; another site of the same provider is one."""
    assert bits((0, 0, 0, 5), 60) == 0
    assert bits((0, 0, 1, 5), 60) > 0


def test_an_address_that_many_share_is_served_for_work() -> None:
    """Nobody knows who asks, so there is no bound of its own, and the last quarter is open to it."""
    seen = [bits((count,), min(count, 99)) for count in (0, 10, 11, 20, 40, 80, 1000)]
    assert seen[:2] == [0, 0]
    assert seen[2:] == sorted(seen[2:])
    assert seen[2] > 0
    assert seen[-1] == MOST_BITS


def test_the_longer_the_unpaid_run_the_more_work() -> None:
    """From the gap limit on; networks that have something open work more, and get nothing in the last quarter."""
    newcomers = [bits(NOTHING, run=run) for run in (19, 20, 100, 700, 749, 800, 999)]
    assert newcomers == sorted(newcomers)
    assert newcomers[0] == 0 < newcomers[1] < newcomers[3] < newcomers[-1]
    assert bits((1, 1, 1, 1), run=20) > newcomers[1]
    with pytest.raises(TooManyBuyers):
        terms((1, 1, 1, 1), run=750)


def test_who_cannot_work_waits_for_a_minute() -> None:
    """After that the run alone asks for nothing, up to its bound; a clock that was set back makes nobody wait."""
    assert bits(run=500, idle=59) > 0
    assert bits(run=500, idle=60) == bits(run=500, idle=-1) == 0
    assert bits(run=1000, idle=400) == MOST_BITS


def test_at_the_bound_of_the_run_sales_are_slowed() -> None:
    """One every five minutes, for the most work; a clock that was set back makes nobody wait for it."""
    with pytest.raises(TooManyBuyers) as refused:
        terms(run=1000, idle=120)
    assert refused.value.details == {"retry_after": 180}
    assert bits(run=5000, idle=300) == MOST_BITS
    assert bits(run=1000, idle=-1) == MOST_BITS


def test_invoices_are_open_for_a_shorter_time_when_nearly_full() -> None:
    """All of the usual time until half, a quarter at the end; a long run changes nothing, for it frees nothing."""
    assert [terms(listing=open_ones).expiry for open_ones in (0, 50, 75, 99)] == [1.0, 1.0, 0.5, 0.25]
    assert terms(run=900).expiry == 1.0
