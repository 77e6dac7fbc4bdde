"""A simulated Lightning wallet: real BOLT11 invoices that only :meth:`pay` can pay, for demonstrations and tests.

Its invoices are signed by a key of its own and are worth nothing: no Lightning node knows of them.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import bolt11
from bolt11 import Bolt11, TagChar, Tags

from bitcache.chain_errors import WalletRefused, WalletUnreachable
from bitcache.money import Sat
from wallet.lightning.bolt11_invoice import CURRENCY, MSAT_PER_SAT, DecodedInvoice, decode
from wallet.lightning.lightning_wallet import InvoiceLookup, MadeInvoice, WalletInfo

SCHEME = "simulated+lightning:"
_TABLE = "CREATE TABLE IF NOT EXISTS invoice (hash BLOB PRIMARY KEY, preimage BLOB NOT NULL, paid_at INTEGER)"


class SimulatedLightning:
    """``path`` is a file that outlives its users; ``delay``: seconds until it answers; ``down``: it does not."""

    keeps_expiry = True

    def __init__(self, network: str, path: Path, clock: Callable[[], int]) -> None:
        self._network, self.path, self._clock = network, path, clock
        self.delay = 0.0
        self.down = False
        #: its invoices live no longer (seconds)
        self.longest_expiry = 86_400
        self._hints: asyncio.Queue[bytes] = asyncio.Queue()
        with closing(self._open()) as conn, conn:
            conn.execute(_TABLE)

    async def info(self) -> WalletInfo:
        """Return what this connection is."""
        await self._answer()
        return WalletInfo("simulated wallet", "simulated", frozenset({"make_invoice", "lookup_invoice"}))

    async def make_invoice(self, amount: Sat, *, expiry_seconds: int, description: str) -> MadeInvoice:
        """Return an invoice that only :meth:`pay` can pay."""
        await self._answer()
        preimage = secrets.token_bytes(32)
        payment_hash = hashlib.sha256(preimage).digest()
        with closing(self._open()) as conn, conn:
            conn.execute("INSERT INTO invoice VALUES (?, ?, NULL)", (payment_hash, preimage))
        return MadeInvoice(
            self._signed(payment_hash, amount * MSAT_PER_SAT, min(expiry_seconds, self.longest_expiry), description)
        )

    async def look_up(self, invoice: DecodedInvoice, status_url: str | None = None) -> InvoiceLookup:
        """Return whether it was paid; raise WalletRefused for an invoice of another wallet."""
        await self._answer()
        with closing(self._open()) as conn:
            query = "SELECT preimage, paid_at FROM invoice WHERE hash = ?"
            row = conn.execute(query, (invoice.payment_hash,)).fetchone()
        if row is None:
            raise WalletRefused("the wallet does not know this invoice")
        preimage, paid_at = row
        if paid_at is None:
            return InvoiceLookup("pending")
        return InvoiceLookup("settled", paid_at, preimage)

    async def hints(self) -> AsyncIterator[bytes]:
        """Yield the hash of every payment in this process."""
        while True:
            yield await self._hints.get()

    async def close(self) -> None:
        """Do nothing: nothing is held."""

    def pay(self, text: str) -> bytes:
        """Pay an invoice of this wallet; return the preimage; raise WalletRefused when it has expired."""
        invoice = decode(text)
        if invoice.expires_at < self._clock():
            raise WalletRefused("this invoice has expired")
        with closing(self._open()) as conn, conn:
            conn.execute(
                "UPDATE invoice SET paid_at = ? WHERE hash = ? AND paid_at IS NULL",
                (self._clock(), invoice.payment_hash),
            )
            [preimage] = conn.execute("SELECT preimage FROM invoice WHERE hash = ?", (invoice.payment_hash,)).fetchone()
        self._hints.put_nowait(invoice.payment_hash)
        return bytes(preimage)

    async def _answer(self) -> None:
        await asyncio.sleep(self.delay)
        if self.down:
            raise WalletUnreachable("the wallet does not answer")

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=10)

    def _signed(self, payment_hash: bytes, amount_msat: int, expiry_seconds: int, description: str) -> str:
        tags = Tags()
        tags.add(TagChar.payment_hash, payment_hash.hex())
        tags.add(TagChar.payment_secret, secrets.token_hex(32))
        tags.add(TagChar.description, description)
        tags.add(TagChar.expire_time, expiry_seconds)
        invoice = Bolt11(CURRENCY[self._network], self._clock(), tags, bolt11.MilliSatoshi(amount_msat))
        return bolt11.encode(invoice, secrets.token_hex(32))
