"""Networks: what belongs together, what many share, and that their keys say nothing."""

from __future__ import annotations

import pytest

from bitcache.buyer_networks import KEY_BYTES, Networks, networks_of

SECRET = b"s" * 32


def common(address: str, neighbour: str) -> int:
    """How many networks two addresses have in common."""
    return len(set(networks_of(SECRET, address).keys) & set(networks_of(SECRET, neighbour).keys))


@pytest.mark.parametrize(
    ("address", "neighbour", "shared"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", 4),
        ("2001:db8:1:2::1", "2001:db8:1:ff::1", 3),
        ("2001:db8:1:2::1", "2001:db8:1:100::1", 2),
        ("2001:db8:1::1", "2001:db8:2::1", 1),
        ("2001:db8::1", "2001:db9::1", 0),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", 3),
        ("2001:db8:1::1", "2001:db8:1:ff00::1", 2),
        ("198.51.100.1", "198.51.100.15", 3),
        ("198.51.100.1", "198.51.100.16", 2),
        ("198.51.100.1", "198.51.1.1", 1),
        ("198.51.100.1", "198.52.100.1", 0),
        ("198.51.100.1", "198.51.101.1", 1),
        ("198.51.100.1", "198.51.100.1", 4),
    ],
)
def test_neighbours_share_their_larger_networks(address: str, neighbour: str, shared: int) -> None:
    """From the same line up to nothing in common."""
    assert common(address, neighbour) == shared


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "10.0.0.1", "fd00::1", "fe80::1%eth0", "100.64.3.4", "unix", ""]
)
def test_addresses_that_many_share(address: str) -> None:
    """Nothing can be said of who asks from there."""
    assert networks_of(SECRET, address).shared


def test_keys_depend_on_the_secret_and_come_back_from_a_column() -> None:
    """Without the secret nobody finds out which network a key stands for."""
    networks = networks_of(SECRET, "198.51.100.1")
    assert Networks.unpack(networks.pack()) == networks
    assert {len(key) for key in networks.keys} == {KEY_BYTES}
    assert not set(networks.keys) & set(networks_of(b"t" * 32, "198.51.100.1").keys)
    assert not networks.shared
    assert networks.neighbours == networks_of(SECRET, "198.51.100.2").neighbours
