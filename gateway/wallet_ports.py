"""The ports to the wallet: what handlers, health pages and demonstrations ask of it (implemented in ``wallet/``)."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Protocol

from bitcache.chain_types import BlockRef
from bitcache.errors import BitcacheError
from bitcache.money import Sat
from bitcache.wallet_connections import NewConnection


class ChainStatus(Protocol):
    """How a chain source is.  ``synced``: its newest block is the network's newest; ``tip_time`` in Unix seconds."""

    @property
    def reachable(self) -> bool: ...
    @property
    def height(self) -> int: ...
    @property
    def headers(self) -> int: ...
    @property
    def synced(self) -> bool: ...
    @property
    def warning(self) -> str: ...
    @property
    def error(self) -> BitcacheError | None: ...
    @property
    def tip_time(self) -> int | None: ...


class ChainSource(Protocol):
    """Where blocks come from."""

    @property
    def name(self) -> str:
        """What people call it, for example ``bitcoind 29.4.2``."""
        ...

    async def status(self) -> ChainStatus:
        """Return how it is; never raise."""
        ...

    async def fee_rate(self) -> int | None:
        """Return what the network costs now, in satoshis per 1000 vbytes; None: not known; raise ChainError."""
        ...


class WatcherStatus(Protocol):
    """How watching goes.  ``error`` is that of the last attempt; ``failures`` counts by error code."""

    cursor: BlockRef | None
    synced_at: int | None
    error: BitcacheError | None
    failures: Counter[str]


class Watcher(Protocol):
    """What follows the chain and records payments."""

    caught_up: asyncio.Event

    @property
    def status(self) -> WatcherStatus:
        """How it goes right now."""
        ...


@dataclass(frozen=True, slots=True)
class ConnectionHealth:
    """``last_answer`` in Unix seconds, None: not since the start; ``failures`` in a row since then.

    In all since the start: ``invoices`` made, ``lookups`` answered, ``failed`` questions.
    """

    last_answer: int | None
    failures: int
    invoices: int = 0
    lookups: int = 0
    failed: int = 0


class LightningConnections(Protocol):
    """Wallets that are asked for Lightning invoices."""

    async def try_connection(self, text: str) -> NewConnection:
        """Ask the wallet what it is; raise ConnectionRefused, ConnectionCanSpend, WalletError."""
        ...

    async def pay_in_demo(self, invoice: str) -> str:
        """Pay from a demonstration's Lightning wallet; return the payment hash; raise NotFound, WalletError."""
        ...

    def health_of(self, scope: str) -> ConnectionHealth:
        """Return how it is, by what was asked of it lately."""
        ...

    def health(self) -> dict[str, ConnectionHealth]:
        """Return how each wallet is that was asked lately, by its scope."""
        ...

    def note_answer(self, scope: str) -> None:
        """Note that the wallet of a scope has just answered."""
        ...


class DemoWallet(Protocol):
    """Coins without value and blocks on command: what a demonstration pays with."""

    async def pay(self, address: str, amount: Sat) -> str:
        """Send ``amount``; return the transaction id."""
        ...

    async def mine(self, blocks: int = 1) -> None:
        """Find blocks that hold what was sent."""
        ...
