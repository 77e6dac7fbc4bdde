"""BOLT11 invoices: decoded and checked here, because a wallet may be wrong, or lie.

Seen in the wild: an invoice without an amount for 999 msat asked, and one for 1 sat for 1 500 msat asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from bitcache.chain_errors import WalletMisbehaved
from bitcache.money import Sat
from wallet.lightning.bolt11_reader import read

MSAT_PER_SAT = 1_000
#: BOLT11 sets no limit; real ones have some 300 to 700 characters.
LONGEST = 4_096
#: So many decoded invoices are kept: an open one is looked up again and again.
KEPT = 4_096
#: An invoice that ends sooner is of no use to a buyer (seconds).
SHORTEST_LIFE = 30
#: A wallet's clock may differ from ours by so much (seconds).
CLOCK_SLACK = 120
#: Bitcoin network: how its invoices begin, after "ln" (BOLT11; signet by common use).
CURRENCY = {"main": "bc", "test": "tb", "testnet4": "tb", "signet": "tbs", "regtest": "bcrt"}


@dataclass(frozen=True, slots=True)
class DecodedInvoice:
    """An invoice whose signature was verified; ``amount_msat`` None: the payer chooses.  Times in Unix seconds."""

    text: str
    currency: str
    payment_hash: bytes
    amount_msat: int | None
    created_at: int
    expires_at: int


@lru_cache(maxsize=KEPT)
def decode(text: str) -> DecodedInvoice:
    """Return the invoice; raise WalletMisbehaved for what is none, or not properly signed."""
    if len(text) > LONGEST or not text.isascii() or text not in (text.lower(), text.upper()):
        raise WalletMisbehaved("this is no Lightning invoice")
    try:
        fields = read(text)
    except ValueError as error:
        raise WalletMisbehaved(f"the Lightning invoice is invalid: {error}") from None
    return DecodedInvoice(
        text=text.lower(),
        currency=fields.currency,
        payment_hash=fields.payment_hash,
        amount_msat=fields.amount_msat,
        created_at=fields.created_at,
        expires_at=fields.created_at + fields.expiry,
    )


def check(invoice: DecodedInvoice, *, network: str, amount: Sat, now: int, latest_expiry: int) -> int:
    """Return when the invoice ends for a buyer (Unix seconds); raise WalletMisbehaved unless it asks for what is due.

    An invoice that lives longer than ``latest_expiry`` could be paid when nobody waits for it any more.
    """
    _insist(invoice.currency == CURRENCY.get(network), "it is for another Bitcoin network")
    _insist(invoice.amount_msat is not None, "it names no amount")
    _insist(invoice.amount_msat == amount * MSAT_PER_SAT, "it is for another amount")
    _insist(invoice.created_at <= now + CLOCK_SLACK, "it was made in the future")
    _insist(invoice.expires_at >= now + SHORTEST_LIFE, "it has expired, or is about to")
    _insist(invoice.expires_at <= latest_expiry + CLOCK_SLACK, "it can be paid for longer than it was asked for")
    return min(invoice.expires_at, latest_expiry)


def _insist(holds: bool, otherwise: str) -> None:
    if not holds:
        raise WalletMisbehaved(f"the Lightning invoice cannot be used: {otherwise}")
