"""BOLT11 invoices as wallets give them: decoded, and refused unless they ask for exactly what is due."""

from __future__ import annotations

import hashlib
import json
import secrets
from pathlib import Path
from typing import Any

import bolt11
import pytest
from bolt11 import Bolt11, MilliSatoshi, TagChar, Tags
from hypothesis import given, settings
from hypothesis import strategies as st

from bitcache.chain_errors import WalletMisbehaved
from bitcache.money import Sat
from wallet.lightning.bolt11_invoice import LONGEST, check, decode
from wallet.lightning.bolt11_reader import CHARSET

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "bolt11.json").read_text(encoding="utf-8"))
NOW = 1_800_000_000
PREIMAGE = b"\x07" * 32
HASH = hashlib.sha256(PREIMAGE).digest()


def made(
    msat: int | None = 2_500_000,
    *,
    currency: str = "bcrt",
    created_at: int = NOW,
    expiry: int = 600,
    secret: bool = True,
) -> str:
    """Return an invoice, signed by a fresh key."""
    tags = Tags()
    tags.add(TagChar.payment_hash, HASH.hex())
    if secret:
        tags.add(TagChar.payment_secret, secrets.token_hex(32))
    tags.add(TagChar.description, "Bitcache")
    tags.add(TagChar.expire_time, expiry)
    amount = None if msat is None else MilliSatoshi(msat)
    text: str = bolt11.encode(Bolt11(currency, created_at, tags, amount), secrets.token_hex(32), ignore_exceptions=True)
    return text


def ends(text: str, amount: int = 2500) -> int:
    """Return when it ends for a buyer whose invoice is open for ten minutes."""
    return check(decode(text), network="regtest", amount=Sat(amount), now=NOW, latest_expiry=NOW + 600)


def test_what_it_says() -> None:
    text = made()
    invoice = decode(text)
    assert (invoice.text, invoice.currency, invoice.payment_hash) == (text, "bcrt", HASH)
    assert (invoice.amount_msat, invoice.created_at, invoice.expires_at) == (2_500_000, NOW, NOW + 600)
    assert decode(text.upper()) == invoice
    assert ends(text) == NOW + 600


@pytest.mark.parametrize("case", VECTORS["valid"], ids=lambda case: case["name"])
def test_the_examples_of_the_specification(case: dict[str, Any]) -> None:
    """And the package bolt11 reads the same."""
    read = decode(case["invoice"])
    assert (read.amount_msat, read.payment_hash.hex()) == (case["msat"], case["payment_hash"])
    assert (read.created_at, read.expires_at) == (case["created_at"], case["created_at"] + case["expiry"])
    theirs = bolt11.decode(case["invoice"])
    assert (theirs.currency, theirs.payment_hash, theirs.expiry) == (
        read.currency,
        case["payment_hash"],
        case["expiry"],
    )


@pytest.mark.parametrize("case", VECTORS["invalid"], ids=lambda case: case["name"])
def test_the_invalid_examples_of_the_specification(case: dict[str, Any]) -> None:
    with pytest.raises(WalletMisbehaved):
        decode(case["invoice"])


@given(msat=st.integers(1, 10**15), expiry=st.integers(1, 10**7), created_at=st.integers(0, 2**35 - 1), data=st.data())
@settings(max_examples=60)
def test_the_package_bolt11_reads_the_same(msat: int, expiry: int, created_at: int, data: st.DataObject) -> None:
    """Whatever an invoice says; and where one character is another, neither reads it, or both read the same."""
    text = made(msat, expiry=expiry, created_at=created_at)
    assert _ours(text) == _theirs(text) is not None
    place = data.draw(st.integers(0, len(text) - 1))
    changed = text[:place] + data.draw(st.sampled_from(CHARSET)) + text[place + 1 :]
    assert _ours(changed) == _theirs(changed)


def _ours(text: str) -> tuple[Any, ...] | None:
    try:
        read = decode(text)
    except WalletMisbehaved:
        return None
    return read.currency, read.amount_msat, read.created_at, read.expires_at, read.payment_hash.hex()


def _theirs(text: str) -> tuple[Any, ...] | None:
    try:
        read = bolt11.decode(text)
    except Exception:
        return None
    return read.currency, read.amount_msat, read.date, read.date + (read.expiry or 0), read.payment_hash


def test_one_that_ends_earlier_ends_earlier() -> None:
    assert ends(made(expiry=120)) == NOW + 120


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (made(2_500_001), "another amount"),
        (made(2_499_000), "another amount"),
        (made(None), "no amount"),
        (made(currency="bc"), "another Bitcoin network"),
        (made(currency="tb"), "another Bitcoin network"),
        (made(created_at=NOW - 600), "expired"),
        (made(expiry=10), "expired, or is about to"),
        (made(expiry=86_400), "longer than it was asked for"),
        (made(created_at=NOW + 3_600), "in the future"),
    ],
)
def test_what_is_not_asked_for_is_refused(text: str, why: str) -> None:
    with pytest.raises(WalletMisbehaved, match=why):
        ends(text)


def test_without_a_payment_secret_anybody_on_the_way_could_claim_it() -> None:
    with pytest.raises(WalletMisbehaved):
        decode(made(secret=False))


@pytest.mark.parametrize("text", ["", "lnbc1", "bitcoin:x", "lnbcrt25u1" + "q" * 300, "l" * (LONGEST + 1), "é" * 200])
def test_garbage_is_refused(text: str) -> None:
    with pytest.raises(WalletMisbehaved):
        decode(text)


def test_a_changed_invoice_is_another_or_none() -> None:
    """No changed character goes unnoticed: the checksum, or the payee that the signature names, is another."""
    text = made()
    for place in range(4, len(text), 7):
        other = "q" if text[place] != "q" else "p"
        with pytest.raises(WalletMisbehaved):
            decode(text[:place] + other + text[place + 1 :])


def test_mixed_case_is_refused() -> None:
    text = made()
    with pytest.raises(WalletMisbehaved):
        decode(text[:20] + text[20:].upper())
