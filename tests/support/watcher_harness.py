"""A listing with invoices, its chain, and a watcher that can be thrown away and made anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from support.accounts import fresh_destinations
from support.invoice_harness import InvoiceHarness

from bitcache.chain_types import BlockRef
from bitcache.identifiers import PurchaseId
from wallet.chain.chain_source import ChainStatus, Scripts, Step
from wallet.chain.simulated_chain import SimulatedChain
from wallet.watcher import Watcher

HOUR = 3_600


class Clock:
    """Time as an argument."""

    def __init__(self, now: int = 1_800_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


class WatcherHarness:
    """A listing with invoices, its chain, and a watcher that can be thrown away and made anew."""

    def __init__(self, invoice_harness: InvoiceHarness, chain: SimulatedChain) -> None:
        self.invoice_harness, self.chain, self.clock = invoice_harness, chain, Clock()
        self.changes = 0
        self.watcher = self.new_watcher()

    def new_watcher(self, **options: Any) -> Watcher:
        """As after a restart: nothing is remembered but the database."""
        self.scripts: set[bytes] = set()
        self.watcher = Watcher(
            self.invoice_harness.store, self.chain, self.scripts, clock=self.clock, on_change=self._changed, **options
        )
        return self.watcher

    def _changed(self) -> None:
        self.changes += 1

    async def invoice(self, amount: int = 5_000, **terms: int) -> tuple[PurchaseId, str]:
        """A new one, watched as the rail does."""
        ((script, address),) = fresh_destinations(1)
        purchase_id = await self.invoice_harness.invoice(script, address, amount, **terms)
        self.scripts.add(script)
        return purchase_id, address

    async def state(self, purchase_id: str) -> str:
        """After a look at the chain."""
        await self.watcher.sync()
        return await self.invoice_harness.state(purchase_id)


class FailingChain(SimulatedChain):
    """A chain that can be away, behind, or interrupted."""

    fails: Exception | None = None
    behind = False
    tip_time: int | None = None
    surprise: Callable[[], Any] | None = None

    async def step(self, cursor: BlockRef, scripts: Scripts) -> Step:
        if self.fails:
            raise self.fails
        return await super().step(cursor, scripts)

    async def status(self) -> ChainStatus:
        return ChainStatus(True, self.network, 1, 9, synced=not self.behind, tip_time=self.tip_time)

    async def unconfirmed(self, scripts: Scripts) -> Any:
        payments = await super().unconfirmed(scripts)
        if self.surprise:
            surprise, self.surprise = self.surprise, None
            await surprise()
            payments = await super().unconfirmed(scripts)
        return payments
