"""Payment URIs (BIP21): what a wallet scans."""

from __future__ import annotations

from bitcache.money import Sat, btc_text


def payment_uri(address: str, amount: Sat) -> str:
    """``bitcoin:<address>?amount=<BTC>``, formatted from integers; nothing due, no amount."""
    return f"bitcoin:{address}?amount={btc_text(amount)}" if amount else f"bitcoin:{address}"
