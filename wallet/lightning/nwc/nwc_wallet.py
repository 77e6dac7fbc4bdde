"""A wallet reached by Nostr Wallet Connect (NIP-47)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from bitcache.chain_errors import ConnectionCanSpend, WalletMisbehaved, WalletRefused
from bitcache.money import Sat
from wallet.lightning.bolt11_invoice import MSAT_PER_SAT, DecodedInvoice
from wallet.lightning.lightning_wallet import InvoiceLookup, MadeInvoice, WalletInfo
from wallet.lightning.nwc.nwc_connection import NwcConnection

SPENDING = {"pay_invoice", "multi_pay_invoice", "pay_keysend", "multi_pay_keysend", "pay_lnurl", "sign_message"}


class NwcWallet:
    """A seller's: it may make invoices and look them up, and must not pay."""

    keeps_expiry = True

    def __init__(self, nwc: NwcConnection) -> None:
        self._nwc = nwc

    async def info(self) -> WalletInfo:
        """Return what this connection is; raise ConnectionCanSpend if it may pay."""
        await self._nwc.agree_on_encryption()
        result = await self._nwc.ask("get_info", {})
        methods = {str(method) for method in _list(result.get("methods"))}
        described = self._nwc.described
        if (methods or described) & SPENDING:
            raise ConnectionCanSpend
        if "make_invoice" not in (methods or described):
            raise WalletRefused("this connection may not create invoices")
        return WalletInfo(_name(result.get("alias")), "nwc", frozenset(methods) or described)

    async def make_invoice(self, amount: Sat, *, expiry_seconds: int, description: str) -> MadeInvoice:
        """Return an invoice for exactly this amount."""
        params = {"amount": amount * MSAT_PER_SAT, "expiry": expiry_seconds, "description": description}
        invoice = (await self._nwc.ask("make_invoice", params)).get("invoice")
        if not isinstance(invoice, str):
            raise WalletMisbehaved("the wallet gave no invoice")
        return MadeInvoice(invoice)

    async def look_up(self, invoice: DecodedInvoice, status_url: str | None = None) -> InvoiceLookup:
        """Return what became of an invoice; one that the wallet does not know is pending: nobody can tell."""
        try:
            result = await self._nwc.ask("lookup_invoice", {"payment_hash": invoice.payment_hash.hex()})
        except WalletRefused as error:
            if error.details.get("wallet_code") == "NOT_FOUND":
                return InvoiceLookup("pending")
            raise
        settled_at = result.get("settled_at")
        if result.get("state") == "settled" or settled_at:
            return InvoiceLookup("settled", settled_at if isinstance(settled_at, int) else None)
        return InvoiceLookup("failed" if result.get("state") in ("failed", "expired") else "pending")

    async def hints(self) -> AsyncIterator[bytes]:
        """Yield payment hashes that the wallet says were paid; a wallet that notifies nobody yields nothing."""
        while True:
            yield await self._nwc.received.get()

    async def close(self) -> None:
        """Hang up."""
        await self._nwc.close()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _name(alias: Any) -> str:
    """Return what the wallet calls itself, as a line that can be shown."""
    text = "".join(character for character in str(alias or "") if character.isprintable())[:60].strip()
    return text or "Lightning wallet"
