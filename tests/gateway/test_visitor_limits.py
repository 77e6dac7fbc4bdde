"""Who may hold how many, of whatever it is."""

from __future__ import annotations

import pytest

from gateway.visitor_limits import VisitorLimits, networks_of


def taken(visitors: VisitorLimits, *addresses: str) -> list[bool]:
    return [visitors.enter(address) for address in addresses]


def test_a_visitor_has_so_many_and_another_is_let_in() -> None:
    visitors = VisitorLimits(2, 100)
    assert taken(visitors, *["192.0.2.1"] * 3) == [True, True, False]
    assert visitors.enter("192.0.2.2")
    visitors.leave("192.0.2.1")
    assert taken(visitors, *["192.0.2.1"] * 2) == [True, False]


def test_an_ipv6_customer_is_one_site_whatever_addresses_it_takes() -> None:
    """A /64 is one visitor; a /48 with its 65 536 of them gets four times as much, not 65 536 times."""
    visitors = VisitorLimits(2, 1000)
    assert taken(visitors, *(f"2001:db8:1:1::{n:x}" for n in range(3))) == [True, True, False]
    assert sum(taken(visitors, *(f"2001:db8:1:{n:x}::1" for n in range(2, 100)))) == 2 * 4 - 2
    assert visitors.enter("2001:db8:2::1")


def test_the_last_quarter_is_for_those_who_hold_nothing() -> None:
    visitors = VisitorLimits(100, 100)
    assert sum(taken(visitors, *["192.0.2.1"] * 100)) == 75
    assert sum(taken(visitors, *(f"198.51.{n}.1" for n in range(30)))) == 25
    assert visitors.full
    assert not visitors.enter("203.0.113.1")


def test_people_behind_one_proxy_are_bounded_in_all_alone() -> None:
    visitors = VisitorLimits(1, 8)
    assert sum(taken(visitors, *[""] * 10)) == 8
    visitors.leave("")
    assert visitors.enter("")


def test_everything_is_forgotten_again() -> None:
    visitors = VisitorLimits(5, 100)
    addresses = ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "fe80::1%eth0", "nobody knows", ""]
    assert all(taken(visitors, *addresses))
    for address in addresses:
        visitors.leave(address)
    assert (visitors.total, dict(visitors._held)) == (0, {})


def fail_inside(visitors: VisitorLimits) -> None:
    """An error while a place is held, and another is refused."""
    with visitors.entered("192.0.2.1") as room:
        assert room
        with visitors.entered("192.0.2.1") as again:
            assert not again
        assert visitors.total == 1
        raise ZeroDivisionError


def test_entered_leaves_at_the_end() -> None:
    visitors = VisitorLimits(1, 100)
    with pytest.raises(ZeroDivisionError):
        fail_inside(visitors)
    assert visitors.total == 0


def test_ipv4_in_ipv6_clothes_is_ipv4() -> None:
    assert networks_of("::ffff:192.0.2.1") == networks_of("192.0.2.1")
    assert networks_of("2001:db8::1") != networks_of("2001:db8:0:1::1")
