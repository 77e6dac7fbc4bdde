"""What request handlers and pages share: the parts of a running gateway, and how a handler reaches them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from bitcache.address_journal import AddressJournal
from bitcache.blob_store import BlobStore
from bitcache.follow_rails import RailFollower
from bitcache.invoice_batching import InvoiceBatcher
from bitcache.issue_invoices import InvoicePolicy
from bitcache.master_key import MasterKey
from bitcache.network_rates import NetworkRates
from bitcache.rails import Rails
from bitcache.seller_quotas import SellerQuota
from bitcache.sign_up_limits import SignUpLimits
from bitcache.storage.database import Store
from gateway.config.settings import Settings
from gateway.live.hub import Hub
from gateway.live.network_fee import NetworkFee
from gateway.live.purchase_cache import PurchaseCache
from gateway.live.sales_readiness import Readiness
from gateway.live.unlisted_proxy import UnlistedProxy
from gateway.wallet_ports import ChainSource, DemoWallet, LightningConnections, Watcher


@dataclass
class Counters:
    """What this process counts and no table holds."""

    bytes_served: int = 0


@dataclass(frozen=True)
class GatewayContext:
    """Everything a running gateway consists of.

    ``simulated``: the chain is a simulation.  ``demo_wallet`` is there in demonstrations alone.
    """

    settings: Settings
    store: Store
    blobs: BlobStore
    master_key: MasterKey
    buyer_secret: bytes
    rails: Rails
    journal: AddressJournal
    source: ChainSource
    simulated: bool
    watcher: Watcher
    hub: Hub
    statuses: PurchaseCache
    invoice_batcher: InvoiceBatcher
    connections: LightningConnections
    rail_follower: RailFollower
    readiness: Readiness
    network_fee: NetworkFee
    policy: InvoicePolicy
    demo_wallet: DemoWallet | None
    clock: Callable[[], int]
    proxy_notice: UnlistedProxy
    counters: Counters = field(default_factory=Counters)
    sign_up_limits: SignUpLimits = field(default_factory=SignUpLimits)
    report_rates: NetworkRates = field(default_factory=lambda: NetworkRates((5, 10, 20, 100), 20, 500))

    @property
    def seller_quota(self) -> SellerQuota:
        """What one seller may have here."""
        accounts = self.settings.accounts
        uploads = self.settings.limits.uploads_per_seller
        return SellerQuota(accounts.bytes_per_seller, accounts.listings_per_seller, uploads)

    @property
    def demo(self) -> bool:
        """Whether this is a demonstration, with a wallet that pays."""
        return self.demo_wallet is not None


CONTEXT: web.AppKey[GatewayContext] = web.AppKey("context", GatewayContext)


def context_of(request: web.Request) -> GatewayContext:
    """Return the context that this request is served by."""
    return request.app[CONTEXT]
