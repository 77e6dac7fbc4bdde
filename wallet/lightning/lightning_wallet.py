"""The port to a Lightning wallet that may be asked for invoices, and for nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

from bitcache.money import Sat
from wallet.lightning.bolt11_invoice import DecodedInvoice


@dataclass(frozen=True, slots=True)
class WalletInfo:
    """``name`` as the wallet calls itself, or where it is reached; ``methods``: what this connection may ask for."""

    name: str
    kind: str
    methods: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class InvoiceLookup:
    """What a wallet says of an invoice; ``settled_at`` in Unix seconds."""

    state: Literal["pending", "settled", "failed"]
    settled_at: int | None = None
    preimage: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class MadeInvoice:
    """A BOLT11 invoice, not yet checked; ``status_url``: where it is looked up, if not by its payment hash."""

    text: str
    status_url: str | None = None


class LightningWallet(Protocol):
    """Every call may raise WalletUnreachable, WalletRefused or WalletMisbehaved, and ends within a time limit."""

    #: whether invoices end when they are asked to; False: the wallet alone says when (LNURL has no word for it)
    keeps_expiry: bool

    async def info(self) -> WalletInfo:
        """Return what this connection is; raise ConnectionCanSpend if it may pay."""
        ...

    async def make_invoice(self, amount: Sat, *, expiry_seconds: int, description: str) -> MadeInvoice:
        """Return an invoice for exactly this amount."""
        ...

    async def look_up(self, invoice: DecodedInvoice, status_url: str | None = None) -> InvoiceLookup:
        """Return what became of an invoice of this wallet; ``status_url`` as :meth:`make_invoice` gave it."""
        ...

    def hints(self) -> AsyncIterator[bytes]:
        """Yield payment hashes that may have been paid; a wallet without notifications yields nothing."""
        ...

    async def close(self) -> None:
        """End the connection."""
        ...
