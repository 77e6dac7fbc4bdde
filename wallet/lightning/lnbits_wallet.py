"""A wallet on an LNbits server, by its invoice key: invoices are made and asked for, nothing is spent (LNbits 1.6.2).

The server tells an invoice's preimage to anybody, so a preimage alone proves nothing.  It notifies nobody here.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

from yarl import URL

from bitcache.chain_errors import ConnectionCanSpend, ConnectionRefused, WalletMisbehaved, WalletRefused
from bitcache.money import Sat
from wallet.lightning.bolt11_invoice import DecodedInvoice
from wallet.lightning.lightning_wallet import InvoiceLookup, MadeInvoice, WalletInfo
from wallet.lightning.public_json import PublicJson

#: "https://server key", in this order, with any white space between them.
_CONNECTION = re.compile(r"(?P<server>https?://[^\s?#@]{1,200})\s+(?P<key>[0-9a-fA-F]{32})")
LONGEST_NAME = 60
_METHODS = frozenset({"make_invoice", "lookup_invoice"})


def is_lnbits(text: str) -> bool:
    """Return whether this is a server's address and a key."""
    return _CONNECTION.fullmatch(text) is not None


class LnbitsWallet:
    """``private``: the server may be on this machine, and reached by plain HTTP."""

    keeps_expiry = True

    def __init__(self, text: str, *, private: bool = False) -> None:
        """Read what the seller pasted; raise ConnectionRefused, which never quotes it."""
        match = _CONNECTION.fullmatch(text)
        if match is None:
            raise ConnectionRefused("this is no LNbits server and key")
        try:
            self._api = URL(match["server"]) / "api" / "v1"
        except ValueError:
            raise ConnectionRefused("this is no address of a server") from None
        if self._api.scheme != "https" and not private:
            raise ConnectionRefused("an LNbits server must be reached by https")
        self._json = PublicJson(private=private, headers={"X-Api-Key": match["key"].lower()})

    async def info(self) -> WalletInfo:
        """Return what this connection is; raise ConnectionCanSpend for an admin key.

        Only to an admin key the server tells the wallet's id.
        """
        wallet = await self._json.get(self._api / "wallet")
        if "id" in wallet:
            raise ConnectionCanSpend(hint="Paste the wallet's invoice key (invoice/read), not its admin key.")
        if not isinstance(wallet.get("balance"), int):
            raise WalletMisbehaved("this is no LNbits server")
        return WalletInfo(f"LNbits at {self._api.host}"[:LONGEST_NAME], "lnbits", _METHODS)

    async def make_invoice(self, amount: Sat, *, expiry_seconds: int, description: str) -> MadeInvoice:
        """Return an invoice for exactly this amount."""
        order = {"out": False, "unit": "sat", "amount": int(amount), "memo": description, "expiry": expiry_seconds}
        invoice = (await self._json.call("POST", self._api / "payments", order)).get("bolt11")
        if not isinstance(invoice, str):
            raise WalletMisbehaved("the wallet gave no invoice")
        return MadeInvoice(invoice)

    async def look_up(self, invoice: DecodedInvoice, status_url: str | None = None) -> InvoiceLookup:
        """Return what became of an invoice of this wallet; one that it does not know is pending: nobody can tell.

        The server answers about any wallet's payment; only of the key's own it tells details.
        """
        payment_hash = invoice.payment_hash.hex()
        try:
            answer = await self._json.get(self._api / "payments" / payment_hash)
        except WalletRefused as error:
            if error.details.get("wallet_code") == "404":
                return InvoiceLookup("pending")
            raise
        if not _is_received(answer.get("details"), payment_hash):
            raise WalletRefused("the key is not the one of the wallet that made this invoice")
        if answer.get("paid") is True:
            return InvoiceLookup("settled")
        return InvoiceLookup("failed" if answer.get("status") == "failed" else "pending")

    async def hints(self) -> AsyncIterator[bytes]:
        """Yield nothing: the server's own notifications were seen to fall silent."""
        await asyncio.Event().wait()
        yield b""

    async def close(self) -> None:
        """Hang up."""
        await self._json.close()


def _is_received(details: Any, payment_hash: str) -> bool:
    """Return whether these are about a payment to the wallet; what it sent has an amount below nothing."""
    if not isinstance(details, dict) or details.get("payment_hash") != payment_hash:
        return False
    amount = details.get("amount")
    return isinstance(amount, int) and amount > 0
