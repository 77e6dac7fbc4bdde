"""A wallet reached by its Lightning address, ``name@domain``: LUD-06 and LUD-16, and LUD-21 to learn what was paid.

A service cannot be told when an invoice is to end, and notifies nobody.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

from yarl import URL

from bitcache.chain_errors import ConnectionRefused, ConnectionTellsNothing, WalletMisbehaved, WalletRefused
from bitcache.money import Sat
from wallet.lightning.bolt11_invoice import MSAT_PER_SAT, DecodedInvoice
from wallet.lightning.lightning_wallet import InvoiceLookup, MadeInvoice, WalletInfo
from wallet.lightning.public_json import PublicJson

LONGEST_URL = 2_000
_ADDRESS = re.compile(r"(?P<name>[a-z0-9._+-]{1,64})@(?P<host>[a-z0-9-]+(\.[a-z0-9-]+)+)(?P<port>:[0-9]{1,5})?")


def is_lightning_address(text: str) -> bool:
    """Return whether it is written like one; a port is for networks whose coins are worth nothing."""
    return _ADDRESS.fullmatch(text.lower()) is not None


class LightningAddress:
    """``private``: the service may be on this machine, and reached by plain HTTP with a port."""

    keeps_expiry = False

    def __init__(self, address: str, *, private: bool = False) -> None:
        """Raise ConnectionRefused for an address with a port where that is not allowed."""
        match = _ADDRESS.fullmatch(address.lower())
        if match is None or (match["port"] and not private):
            raise ConnectionRefused("this is no Lightning address")
        self._address = match[0]
        scheme = "http" if match["port"] else "https"
        self._terms = URL(f"{scheme}://{match['host']}{match['port'] or ''}/.well-known/lnurlp/{match['name']}")
        self._json = PublicJson(private=private)

    async def info(self) -> WalletInfo:
        """Return what this address is; raise ConnectionTellsNothing where its service does not say what was paid.

        Only an invoice shows that: one for the least amount is asked for and forgotten.
        """
        terms = await self._get(self._terms)
        least, _ = _limits(terms)
        if _url(await self._ask(terms, least), "verify") is None:
            raise ConnectionTellsNothing
        return WalletInfo(self._address, "address", frozenset({"make_invoice", "lookup_invoice"}))

    async def make_invoice(self, amount: Sat, *, expiry_seconds: int, description: str) -> MadeInvoice:
        """Return an invoice for exactly this amount, which ends when the service wants."""
        terms = await self._get(self._terms)
        least, most = _limits(terms)
        if not least <= amount * MSAT_PER_SAT <= most:
            raise WalletRefused(f"this address takes {least // MSAT_PER_SAT} to {most // MSAT_PER_SAT} sat at once")
        made = await self._ask(terms, amount * MSAT_PER_SAT)
        invoice, verify = made.get("pr"), _url(made, "verify")
        if not isinstance(invoice, str) or verify is None:
            raise WalletMisbehaved("the service gave no invoice that can be looked up")
        return MadeInvoice(invoice, str(verify))

    async def look_up(self, invoice: DecodedInvoice, status_url: str | None = None) -> InvoiceLookup:
        """Return whether it was paid, as LUD-21's ``verify`` says; one that it does not know is pending."""
        if status_url is None:
            return InvoiceLookup("pending")
        try:
            answer = await self._get(URL(status_url))
        except WalletRefused:  # it has forgotten the invoice, or never knew it
            return InvoiceLookup("pending")
        about = answer.get("pr")
        if not isinstance(about, str) or about.lower() != invoice.text:
            raise WalletMisbehaved("the service answers about another invoice")
        return InvoiceLookup("settled" if answer.get("settled") is True else "pending")

    async def hints(self) -> AsyncIterator[bytes]:
        """Yield nothing: the service notifies nobody."""
        await asyncio.Event().wait()
        yield b""

    async def close(self) -> None:
        """Hang up."""
        await self._json.close()

    async def _ask(self, terms: dict[str, Any], amount_msat: int) -> dict[str, Any]:
        callback = _url(terms, "callback")
        if callback is None:
            raise WalletMisbehaved("the service says nowhere to ask for invoices")
        return await self._get(callback.update_query(amount=str(amount_msat)))

    async def _get(self, url: URL) -> dict[str, Any]:
        answer = await self._json.get(url)
        if str(answer.get("status", "")).upper() == "ERROR":
            raise WalletRefused("the service of this address refuses")
        return answer


def _limits(terms: dict[str, Any]) -> tuple[int, int]:
    """Return the least and the most that can be paid at once, in millisatoshi."""
    least, most = terms.get("minSendable"), terms.get("maxSendable")
    if terms.get("tag") == "payRequest" and isinstance(least, int) and isinstance(most, int) and 0 < least <= most:
        return least, most
    raise WalletMisbehaved("nobody is paid at this address")


def _url(answer: dict[str, Any], name: str) -> URL | None:
    text = answer.get(name)
    if not isinstance(text, str) or len(text) > LONGEST_URL:
        return None
    try:
        url = URL(text)
    except ValueError:
        return None
    return url if url.scheme in ("https", "http") and url.host else None
