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


class LightningWallet(Protocol):
    """Every call may raise WalletUnreachable, WalletRefused or WalletMisbehaved, and ends within a time limit."""

    async def info(self) -> WalletInfo:
        """Return what this connection is; raise ConnectionCanSpend if it may pay."""
        ...

    async def make_invoice(self, amount: Sat, *, expiry_seconds: int, description: str) -> str:
        """Return a BOLT11 invoice as the wallet gave it, not yet checked."""
        ...

    async def look_up(self, invoice: DecodedInvoice) -> InvoiceLookup:
        """Return what became of an invoice of this wallet."""
        ...

    def hints(self) -> AsyncIterator[bytes]:
        """Yield payment hashes that may have been paid; a wallet without notifications yields nothing and ends."""
        ...

    async def close(self) -> None:
        """End the connection."""
        ...
