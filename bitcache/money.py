"""Satoshis: the only money type.

Whole numbers from 0 to 21 million BTC; no float ever touches an amount.  JSON from a node is
parsed with ``parse_float=Decimal`` and enters through :func:`sat_from_btc`; BIP21 and pages leave
through :func:`btc_text`, which formats from integers.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Self

from bitcache.errors import BelowDust, InvalidAmount, PriceTooHigh

SAT_PER_BTC = 100_000_000
MAX_MONEY = 21_000_000 * SAT_PER_BTC

#: Smallest relayed output in satoshis by script type, at Bitcoin Core's default dust fee of 3 sat/vB.
DUST = {"wpkh": 294, "tr": 330, "wsh": 330, "sh(wpkh)": 540, "pkh": 546}


class Sat(int):
    """An amount in satoshis: an ``int`` that cannot be negative, fractional or above all coins."""

    __slots__ = ()

    def __new__(cls, value: int) -> Self:
        if isinstance(value, bool) or not isinstance(value, int):
            raise InvalidAmount(f"{type(value).__name__} is not a whole number of satoshis")
        if not 0 <= value <= MAX_MONEY:
            raise InvalidAmount("the amount lies outside 0 to 21 million BTC")
        return super().__new__(cls, value)

    def __add__(self, other: int) -> Sat:
        return Sat(int(self) + int(other))


def price(value: int, *, dust: int) -> Sat:
    """Return a price in satoshis; raise InvalidAmount (0, negative, fractional, huge) or BelowDust."""
    amount = Sat(value)
    if amount == 0:
        raise InvalidAmount("a price of 0 sat cannot be paid")
    if amount < dust:
        raise BelowDust(f"{amount} sat is under the smallest payable output of {dust} sat", dust_sat=dust)
    return amount


def check_highest(price_sat: int, highest_price_sat: int | None) -> None:
    """Raise PriceTooHigh when a price is above what is sold; None: there is no such limit."""
    if highest_price_sat is not None and price_sat > highest_price_sat:
        raise PriceTooHigh(
            f"{price_sat} sat is above the {highest_price_sat} sat that this gateway sells for without a Bitcoin node",
            highest_price_sat=highest_price_sat,
        )


def total(amounts: list[Sat]) -> Sat:
    """Sum without leaving the type."""
    return Sat(sum(int(amount) for amount in amounts))


def sat_from_btc(value: Decimal) -> Sat:
    """Return satoshis from a node's decimal BTC; raise InvalidAmount when it is finer than one satoshi."""
    try:
        scaled = value * SAT_PER_BTC
        if not scaled.is_finite() or scaled != scaled.to_integral_value():
            raise InvalidAmount("the amount is finer than one satoshi")
    except ArithmeticError as error:
        raise InvalidAmount("the amount is not a number") from error
    return Sat(int(scaled))


def btc_text(amount: int) -> str:
    """BTC as BIP21 wants it: ``0.000025``; never an exponent, no trailing zeros."""
    whole, rest = divmod(amount, SAT_PER_BTC)
    return f"{whole}.{rest:08d}".rstrip("0").rstrip(".")
