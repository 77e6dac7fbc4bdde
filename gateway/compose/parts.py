"""What a running gateway consists of: what handlers and pages are given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bitcache.highwater import HighWater
from bitcache.invoices import InvoicePolicy
from bitcache.masterkey import MasterKey
from bitcache.ports import Rail
from bitcache.storage.blobs import Blobs
from bitcache.storage.store import Store
from bitcache.till import Till
from gateway.compose.readiness import Readiness
from gateway.hub import Hub
from gateway.proxy_notice import ProxyNotice
from gateway.settings import Settings
from gateway.statuses import Statuses
from wallet.chain.base import ChainSource, Purse
from wallet.chain.simulated import SimulatedChain
from wallet.watcher import Watcher


@dataclass
class Counters:
    """What this process counts and no table holds."""

    bytes_served: int = 0


@dataclass(frozen=True)
class Parts:
    """Everything a running gateway consists of.  ``purse`` is there in demonstrations alone."""

    settings: Settings
    store: Store
    blobs: Blobs
    master_key: MasterKey
    buyer_secret: bytes
    rail: Rail
    marks: HighWater
    source: ChainSource
    watcher: Watcher
    hub: Hub
    statuses: Statuses
    till: Till
    readiness: Readiness
    policy: InvoicePolicy
    purse: Purse | None
    clock: Callable[[], int]
    proxy_notice: ProxyNotice
    counters: Counters = field(default_factory=Counters)

    @property
    def simulated(self) -> bool:
        """Whether the chain is a pretence."""
        return isinstance(self.source, SimulatedChain)

    @property
    def demo(self) -> bool:
        """Whether somebody pays for show."""
        return self.purse is not None
