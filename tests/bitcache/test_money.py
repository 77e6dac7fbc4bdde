"""Satoshis: whole, bounded, and never a float."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitcache.errors import BelowDust, InvalidAmount
from bitcache.money import DUST, MAX_MONEY, SAT_PER_BTC, Sat, btc_text, price, sat_from_btc, total

amounts = st.integers(0, MAX_MONEY)


@pytest.mark.parametrize("value", [-1, MAX_MONEY + 1, 10**30])
def test_amounts_outside_all_coins_are_refused(value: int) -> None:
    with pytest.raises(InvalidAmount):
        Sat(value)


@pytest.mark.parametrize("value", [1.0, 2.5, True, "5", None, Decimal(5)])
def test_only_whole_numbers_are_amounts(value: int) -> None:
    with pytest.raises(InvalidAmount):
        Sat(value)


def test_sums_stay_inside_the_type() -> None:
    assert type(Sat(1) + 2) is Sat
    assert type(total([])) is Sat
    assert total([Sat(1), Sat(2)]) == 3
    with pytest.raises(InvalidAmount):
        total([Sat(MAX_MONEY), Sat(1)])


@pytest.mark.parametrize("value", [0, -5, 2.5, MAX_MONEY + 1])
def test_a_price_is_a_positive_amount(value: int) -> None:
    with pytest.raises(InvalidAmount):
        price(value, dust=294)


@pytest.mark.parametrize(("script_type", "dust"), [("wpkh", 294), ("tr", 330), ("sh(wpkh)", 540), ("pkh", 546)])
def test_a_price_under_the_dust_limit_is_refused_with_the_limit(script_type: str, dust: int) -> None:
    assert DUST[script_type] == dust
    assert price(dust, dust=DUST[script_type]) == dust
    with pytest.raises(BelowDust) as raised:
        price(dust - 1, dust=DUST[script_type])
    assert raised.value.details == {"dust_sat": dust}


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0"),
        (1, "0.00000001"),
        (2_500, "0.000025"),
        (100_000_000, "1"),
        (150_000_000, "1.5"),
        (MAX_MONEY, "21000000"),
    ],
)
def test_btc_text(amount: int, text: str) -> None:
    assert btc_text(amount) == text


@given(amounts)
def test_btc_text_is_exact_and_plain(amount: int) -> None:
    """No exponent (``str(Decimal("1E-8"))`` has one), no trailing zeros, and back to the same amount."""
    text = btc_text(amount)
    assert set(text) <= set("0123456789.")
    assert sat_from_btc(Decimal(text)) == amount
    assert not text.endswith(".")
    assert "." not in text or not text.endswith("0")


@given(amounts)
def test_a_node_s_amount_is_read_exactly(amount: int) -> None:
    """``int(x * 1e8)`` is wrong for one amount in twelve."""
    assert sat_from_btc(Decimal(amount) / SAT_PER_BTC) == amount


@pytest.mark.parametrize("value", ["0.000000001", "NaN", "Infinity", "-0.1", "21000001", "1E+30", "1E+999999"])
def test_what_no_node_says_is_refused(value: str) -> None:
    with pytest.raises(InvalidAmount):
        sat_from_btc(Decimal(value))
