"""A buyer's own wallet, by Nostr Wallet Connect: it pays an invoice, once.

A payment whose answer was lost may be on its way: only what the wallet says of it afterwards tells.  The same invoice
may be handed to a wallet again, because a Lightning node pays one payment hash at most once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from bitcache.chain_errors import WalletError, WalletMisbehaved, WalletRefused, WalletUnreachable
from bitcache.money import Sat
from wallet.lightning.bolt11_invoice import DecodedInvoice, check, decode
from wallet.lightning.nwc.nwc_connection import NwcConnection

#: A payment that finds its way slowly (seconds).
PAY_SECONDS = 60.0
#: The wallet did not even try (NIP-47).  PAYMENT_FAILED is none of these: it may mean that the wallet gave up waiting.
NOT_TRIED = {
    "INSUFFICIENT_BALANCE",
    "NOT_IMPLEMENTED",
    "QUOTA_EXCEEDED",
    "RESTRICTED",
    "UNAUTHORIZED",
    "UNSUPPORTED_ENCRYPTION",
}


class NwcPayer:
    """A payer, as gateway/client/pay_by_wallet.py wants one."""

    def __init__(self, nwc: NwcConnection, clock: Callable[[], int], pay_seconds: float = PAY_SECONDS) -> None:
        self._nwc, self._clock, self._pay_seconds = nwc, clock, pay_seconds

    def check(self, invoice: str, network: str, due: Sat) -> None:
        """Raise WalletMisbehaved unless this BOLT11 invoice is sound and asks for exactly what is due."""
        decoded = decode(invoice)
        check(decoded, network=network, amount=due, now=self._clock(), latest_expiry=decoded.expires_at)

    async def pay(self, invoice: str) -> bytes:
        """Pay and return the preimage; raise WalletRefused when the wallet did not try.

        Raise WalletUnreachable, WalletMisbehaved when nobody knows whether it paid.
        """
        decoded = decode(invoice)
        try:
            return _preimage(await self._nwc.ask("pay_invoice", {"invoice": invoice}, self._pay_seconds), decoded)
        except WalletRefused as error:
            if error.details.get("wallet_code") in NOT_TRIED:
                raise
            unknown: WalletError = WalletMisbehaved("the wallet does not say whether it paid")
        except (WalletUnreachable, WalletMisbehaved) as error:
            unknown = error
        preimage = await self.preimage_of(invoice)
        if preimage is None:
            raise unknown
        return preimage

    async def preimage_of(self, invoice: str) -> bytes | None:
        """Return the preimage of an invoice that this wallet has paid; None: it is not known to have paid it."""
        decoded = decode(invoice)
        try:
            result = await self._nwc.ask("lookup_invoice", {"payment_hash": decoded.payment_hash.hex()})
        except WalletRefused:
            return None
        return _preimage(result, decoded) if result.get("preimage") else None

    async def close(self) -> None:
        """Hang up."""
        await self._nwc.close()


def _preimage(result: dict[str, Any], invoice: DecodedInvoice) -> bytes:
    """Return the preimage in a wallet's answer; raise WalletMisbehaved when it is not this invoice's."""
    try:
        preimage = bytes.fromhex(str(result.get("preimage")))
    except ValueError:
        preimage = b""
    if hashlib.sha256(preimage).digest() != invoice.payment_hash:
        raise WalletMisbehaved("the wallet shows no proof that it paid this invoice")
    return preimage
