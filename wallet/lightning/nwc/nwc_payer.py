"""A buyer's own wallet, by Nostr Wallet Connect: it pays an invoice, once.

A payment whose answer was lost may be on its way: only what the wallet says of it afterwards tells.  The same invoice
may be handed to a wallet again, because a Lightning node pays one payment hash at most once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from bitcache.chain_errors import WalletMisbehaved, WalletRefused
from wallet.lightning.bolt11_invoice import DecodedInvoice
from wallet.lightning.nwc.connection_string import ConnectionString
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
    """``private``: the wallet's relays may be on this machine or beside it."""

    def __init__(
        self,
        connection: ConnectionString,
        clock: Callable[[], int],
        *,
        private: bool = False,
        pay_seconds: float = PAY_SECONDS,
    ) -> None:
        self._pay_seconds = pay_seconds
        self._nwc = NwcConnection(connection, clock, private=private)

    async def pay(self, invoice: DecodedInvoice) -> bytes:
        """Pay and return the preimage; raise WalletRefused when nothing was sent, otherwise it is unknown.

        Raise WalletUnreachable, WalletMisbehaved when it is unknown: ask :meth:`preimage_of`.
        """
        try:
            result = await self._nwc.ask("pay_invoice", {"invoice": invoice.text}, self._pay_seconds)
        except WalletRefused as error:
            if error.details.get("wallet_code") in NOT_TRIED:
                raise
            raise WalletMisbehaved("the wallet does not say whether it paid") from error
        return _preimage(result, invoice)

    async def preimage_of(self, invoice: DecodedInvoice) -> bytes | None:
        """Return the preimage of an invoice that this wallet has paid; None: it is not known to have paid it."""
        try:
            result = await self._nwc.ask("lookup_invoice", {"payment_hash": invoice.payment_hash.hex()})
        except WalletRefused:
            return None
        return _preimage(result, invoice) if result.get("preimage") else None

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
