"""What a running gateway consists of: what handlers and pages are given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bitcache.address_journal import AddressJournal
from bitcache.invoice_batching import InvoiceBatcher
from bitcache.issue_invoices import InvoicePolicy
from bitcache.master_key import MasterKey
from bitcache.payment_rail import Rail
from bitcache.storage.blobs import Blobs
from bitcache.storage.database import Store
from gateway.compose.sales_readiness import Readiness
from gateway.config.settings import Settings
from gateway.live.hub import Hub
from gateway.live.purchase_cache import PurchaseCache
from gateway.server.unlisted_proxy import UnlistedProxy
from wallet.chain.chain_source import ChainSource, DemoWallet
from wallet.chain.simulated_chain import SimulatedChain
from wallet.watcher import Watcher


@dataclass
class Counters:
    """What this process counts and no table holds."""

    bytes_served: int = 0


@dataclass(frozen=True)
class GatewayContext:
    """Everything a running gateway consists of.  ``purse`` is there in demonstrations alone."""

    settings: Settings
    store: Store
    blobs: Blobs
    master_key: MasterKey
    buyer_secret: bytes
    rail: Rail
    journal: AddressJournal
    source: ChainSource
    watcher: Watcher
    hub: Hub
    statuses: PurchaseCache
    invoice_batcher: InvoiceBatcher
    readiness: Readiness
    policy: InvoicePolicy
    demo_wallet: DemoWallet | None
    clock: Callable[[], int]
    proxy_notice: UnlistedProxy
    counters: Counters = field(default_factory=Counters)

    @property
    def simulated(self) -> bool:
        """Whether the chain is a pretence."""
        return isinstance(self.source, SimulatedChain)

    @property
    def demo(self) -> bool:
        """Whether somebody pays for show."""
        return self.demo_wallet is not None
