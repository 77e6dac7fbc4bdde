"""The on-chain rail, the URIs it makes, and the chain and node that ship for demonstrations."""

from __future__ import annotations

import pytest
from support.accounts import BIP84_ZPUB, TPUB

from bitcache.errors import InvalidDescriptor, InvalidSettings, PrivateKeyRefused
from bitcache.money import Sat
from bitcache.payment_rail import Rail
from wallet.bip21 import payment_uri
from wallet.rails.onchain import OnChainRail

ADDRESS = "bcrt1q6rz28mcfaxtmd6v789l9rrlrusdprr9pz3cppk"


def rail(network: str = "regtest") -> OnChainRail:
    """A rail with a dictionary of its own."""
    return OnChainRail(network, set())


def test_it_is_a_rail() -> None:
    """Checked by mypy."""
    port: Rail = rail()
    assert (port.name, port.network, port.sees_unconfirmed) == ("onchain", "regtest", True)


@pytest.mark.parametrize(("script_type", "minimum"), [("wpkh", 294), ("tr", 330), ("sh(wpkh)", 540)])
def test_checking_gives_the_terms(script_type: str, minimum: int) -> None:
    terms = rail().check(TPUB, script_type)
    assert (terms.script_type, terms.minimum) == (script_type, minimum)
    assert terms.first == tuple(rail().destination(terms.account, index).text for index in range(3))
    assert rail().check(terms.account) == terms


def test_a_published_account() -> None:
    assert rail("main").check(BIP84_ZPUB).first[0] == "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"


def test_checking_refuses() -> None:
    with pytest.raises(PrivateKeyRefused):
        rail().check(" ".join(["zoo"] * 12))
    with pytest.raises(InvalidDescriptor):
        rail().check(TPUB)
    with pytest.raises(InvalidSettings):
        rail("mainnet").check(TPUB, "wpkh")


def test_watching_adds_to_the_shared_scripts() -> None:
    scripts: set[bytes] = set()
    OnChainRail("regtest", scripts).watch(b"script")
    assert scripts == {b"script"}


def test_script_and_address_belong_together() -> None:
    terms = rail().check(TPUB, "wpkh")
    destination = rail().destination(terms.account, 0)
    assert destination.text == ADDRESS
    assert destination.match_key.hex() == "0014d0c4a3ef09e997b6e99e397e518fe3e41a118ca1"


@pytest.mark.parametrize(
    ("amount", "tail"), [(1, "?amount=0.00000001"), (2_500, "?amount=0.000025"), (100_000_000, "?amount=1"), (0, "")]
)
def test_uris_are_made_from_integers(amount: int, tail: str) -> None:
    assert payment_uri(ADDRESS, Sat(amount)) == rail().uri(ADDRESS, Sat(amount)) == f"bitcoin:{ADDRESS}{tail}"
