"""What a Lightning invoice asks for, read from how it begins (BOLT11, human-readable part).

Whether the rest is sound is for the buyer's wallet: it shows the amount and pays nothing that is not signed.
JavaScript's half: gateway/web/static/checkout/lightning-request.js; both read tests/vectors/lightning-requests.json.
"""

from __future__ import annotations

import re

LIGHTNING = "lightning"
#: Bitcoin network: what its invoices begin with, after "ln".
CURRENCY = {"main": "bc", "test": "tb", "testnet4": "tb", "signet": "tbs", "regtest": "bcrt"}
_INVOICE = re.compile(r"ln(bc|tb|tbs|bcrt)([1-9][0-9]{0,11})([munp]?)1[02-9ac-hj-np-z]{100,4000}")
#: Picobitcoin, a tenth of a millisatoshi, in one unit of each multiplier.
_PICO = {"": 10**12, "m": 10**9, "u": 10**6, "n": 10**3, "p": 1}
_PICO_PER_MSAT = 10


def amount_msat(invoice: str, network: str) -> int | None:
    """Return what the invoice asks for in millisatoshi; None: none of this network, or without a whole amount."""
    match = _INVOICE.fullmatch(invoice)
    if match is None or match[1] != CURRENCY.get(network):
        return None
    pico = int(match[2]) * _PICO[match[3]]
    return pico // _PICO_PER_MSAT if pico % _PICO_PER_MSAT == 0 else None


def uri_of(invoice: str) -> str:
    """Return what a wallet scans; capitals make the QR code smaller."""
    return f"LIGHTNING:{invoice.upper()}"
