"""Everything built, started, and ended in order; and the same parts put to work on a rescan."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial

import structlog

from bitcache import (
    absent_payments,
    address_journal,
    block_processing,
    payments_known_until,
    rescan,
    sellers,
    uploads,
)
from bitcache.address_journal import LARGEST_STRIDE, AddressJournal, Skipped
from bitcache.chain_types import CHAIN
from bitcache.errors import BitcacheError, DatabaseUnusable, StorageError
from bitcache.follow_rails import RailFollower
from bitcache.invoice_batching import MOST_AT_ONCE, InvoiceBatcher
from bitcache.invoice_quotas import Quotas
from bitcache.issue_invoices import InvoiceIssuer, InvoicePolicy
from bitcache.master_key import MasterKey
from bitcache.payment_rail import PreparingRail
from bitcache.rails import Rails
from bitcache.remote_payment_requests import RequestPreparer
from bitcache.storage.blob_directory import BlobDirectory
from bitcache.storage.database import Store
from gateway.api import purchase_views
from gateway.compose import maintenance
from gateway.compose.chain_selection import Given, chain_of
from gateway.compose.connected_wallets import ConnectedWallets, opener
from gateway.compose.init_data_folder import set_up
from gateway.config.data_folder import DataFolder
from gateway.config.restored_backup import RestoreCheck, copy_in_memory, doubt, machine
from gateway.config.settings import Settings
from gateway.context import GatewayContext
from gateway.live.hub import Hub
from gateway.live.network_fee import NetworkFee
from gateway.live.purchase_cache import PurchaseCache
from gateway.live.sales_readiness import CATCHING_UP, Readiness
from gateway.live.unlisted_proxy import UnlistedProxy
from gateway.visitor_limits import VisitorLimits
from wallet.chain.chain_source import ChainSource
from wallet.chain.read_chain_range import lowest_elsewhere, read_chain
from wallet.chain.simulated_chain import SimulatedChain
from wallet.lightning.electrum.electrum_daemon import ElectrumDaemon
from wallet.rails.lightning import LightningRail
from wallet.rails.onchain import OnChainRail
from wallet.watcher import Watcher, issued_keys, unix_time

log = structlog.get_logger("gateway.compose")

#: Addresses of an account that a crash can leave out: one batch of buyers, and what was reserved ahead of it.
MOST_RESERVED = MOST_AT_ONCE + LARGEST_STRIDE
RESUME_HINT = (
    "Stop the gateway and say which it is: bitcache resume-sales --newest (this folder is the newest; it was moved, or "
    "the machine was off for long), or --restored (a backup was put back)"
)


@dataclass(frozen=True)
class _Opened:
    """What handlers share, and what is started and ended around it."""

    context: GatewayContext
    source: ChainSource
    watcher: Watcher
    preparer: RequestPreparer
    wallets: ConnectedWallets


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    demo_wallet: Given = None,
    clock: Callable[[], int] = unix_time,
    preparing: tuple[PreparingRail, ...] = (),
    demo_payer: ElectrumDaemon | None = None,
) -> AsyncIterator[GatewayContext]:
    """Yield a gateway at work on an initialised data folder.  With ``demo_wallet``, a demonstration on that chain.

    ``preparing``: rails beside the chain.  ``demo_payer`` pays Lightning invoices in a demonstration.
    """
    async with _opened(settings, demo_wallet, clock, preparing=preparing) as opened, AsyncExitStack() as stack:
        context = opened.context
        await uploads.sweep(context.store, context.blobs)
        await _recheck_payouts(context)
        await opened.source.open()
        stack.push_async_callback(opened.source.close)
        for work in (
            opened.watcher.run(),
            context.hub.pump(),
            maintenance.run(context),
            maintenance.make_payout_changes(context),
            context.rail_follower.run(),
            context.network_fee.run(),
        ):
            stack.push_async_callback(_end, asyncio.create_task(work))
        stack.push_async_callback(opened.wallets.close)
        stack.push_async_callback(opened.preparer.close)
        await opened.preparer.resume()
        stack.callback(context.hub.close)
        opened.wallets.demo_payer = demo_payer
        yield context


async def rescan_payments(
    settings: Settings,
    height: int,
    *,
    apply: bool,
    progress: Callable[[int, int], None],
    demo_wallet: Given = None,
) -> rescan.Report:
    """Compare the ledger with the chain, and (``apply``) make it equal, with the gateway stopped.

    It begins at ``height``, or below, where the ledger has blocks that are not on the chain (``Report.start``).
    """
    async with _opened(settings, demo_wallet, unix_time) as opened, AsyncExitStack() as stack:
        context = opened.context
        await opened.source.open()
        stack.push_async_callback(opened.source.close)
        start = await _start_of_rescan(context.store, opened.source, height)
        keys = {key async for part in issued_keys(context.store) for key in part}
        others = await context.store.read(lambda conn: rescan.unissued_addresses(conn, context.rails.deriving))
        kept = await context.store.read(absent_payments.kept_transactions)
        chain = await read_chain(opened.source, start, keys | others.keys(), progress, kept)
        work = rescan.rescan if apply else rescan.dry_run
        budget = settings.invoices.zero_conf_budget_sat
        return await context.store.write(lambda conn: work(conn, chain, others, unix_time(), loss_budget=budget))


async def resume_sales(settings: Settings, *, restored: bool, demo_wallet: Given = None) -> list[Skipped]:
    """Take the operator's word on a data folder that nothing vouches for, with the gateway stopped.

    Return what is left out.

    ``restored``: it is older than what buyers were shown, so every account leaves out its next addresses.
    """
    async with _opened(settings, demo_wallet, unix_time, answered=True) as opened:
        context = opened.context
        if not restored:
            return []
        return await context.store.write(
            lambda conn: address_journal.skip_ahead(conn, context.rails.deriving, unix_time())
        )


@asynccontextmanager
async def _opened(
    settings: Settings,
    demo_wallet: Given,
    clock: Callable[[], int],
    *,
    answered: bool = False,
    preparing: tuple[PreparingRail, ...] = (),
) -> AsyncIterator[_Opened]:
    """Yield the data folder locked and its parts built; on leaving, written down that it ended in order.

    ``answered``: the operator has just said what the folder is.  Else DatabaseUnusable is raised when the address
    journal of a used database is not there, and a doubt stays a doubt.
    """
    folder = set_up(settings)
    async with AsyncExitStack() as stack:
        stack.enter_context(folder.locked())
        folder.tighten()
        store = await Store.open(folder.database)
        stack.push_async_callback(store.close)
        if not answered:
            await _refuse_lost_journal(folder, store)
        journal = AddressJournal.open(folder.addresses, copy_in_memory(folder.master_key))
        last = await _begin(folder, store, clock(), answered=answered, in_memory=journal.remembered)
        opened = await _build(settings, folder, store, demo_wallet, clock, journal, last, preparing)
        stack.push_async_callback(_end_in_order, opened.context, folder)
        await _catch_up(opened.context)
        yield opened


async def _refuse_lost_journal(folder: DataFolder, store: Store) -> None:
    """Nobody knows which addresses were shown: buyers would be given each other's."""
    if not folder.addresses.exists() and await store.read(address_journal.used):
        raise DatabaseUnusable(
            "addresses.journal is not there, and this database was used: its addresses could be given out twice",
            hint="Put the newest copy of addresses.journal into the data folder. Is there none, say that a backup was "
            f"restored: bitcache resume-sales --restored "
            f"(every account leaves out {address_journal.LOOK_AHEAD} addresses)",
        )


async def _begin(folder: DataFolder, store: Store, now: int, *, answered: bool, in_memory: bool) -> RestoreCheck:
    """Written down before anything is sold: until its end this run has not ended in order."""
    known, before = (
        await store.read(lambda conn: payments_known_until.payments_known_until(conn, CHAIN)),
        RestoreCheck.read(folder.last_run),
    )
    unused = not await store.read(address_journal.used)
    why = None if answered or unused else doubt(before, known, now, in_memory=in_memory)
    last = RestoreCheck(now, ended=False, machine=machine(), doubt=why)
    last.write(folder.last_run)
    if why is not None:
        log.error("sales_paused", reason=f"this data folder may be a restored backup: {why}", hint=RESUME_HINT)
    return last


async def _end_in_order(context: GatewayContext, folder: DataFolder) -> None:
    """Without room for that, the marks stay ahead, and the next start leaves a few addresses out: no reason to fail."""
    try:
        await context.store.write(partial(context.journal.close, rail=context.rails.deriving))
        context.readiness.last.ended_at(context.clock()).write(folder.last_run)
    except StorageError as error:
        log.warning("addresses_not_closed", code=error.code, reason=str(error))
    except OSError as error:
        log.warning("addresses_not_closed", code="storage", reason=error.strerror)


def _on_skipped(
    readiness: Readiness, journal: AddressJournal, folder: DataFolder, skipped: Sequence[Skipped], in_block: bool
) -> None:
    """Somebody pays to addresses that this database never gave out.

    On the way to the newest block that speaks of a restored backup.  Later, or unconfirmed, anybody can do it.
    """
    for skipped_range in skipped:
        log.error(
            "addresses_skipped",
            payout=skipped_range.payout_id,
            first=skipped_range.first,
            count=skipped_range.count,
            reason="an address was paid that this database never gave out: a backup was restored, or something else "
            "hands out addresses of the same account",
            hint="The seller settles such payments by hand; see them with: bitcache rescan",
        )
    if in_block and not journal.remembered and readiness.reason == CATCHING_UP:
        why = "an address was paid that its database never gave out"
        log.error("sales_paused", reason=f"this data folder may be a restored backup: {why}", hint=RESUME_HINT)
        readiness.last = replace(readiness.last, doubt=why)
        readiness.last.write(folder.last_run)


async def _start_of_rescan(store: Store, source: ChainSource, height: int) -> int:
    """Return the height to read from: the blocks below it are those of the chain."""
    stored = await store.read(rescan.stored_blocks)
    without_block = await store.read(rescan.lowest_payment_without_block)
    elsewhere = await lowest_elsewhere(source, stored)
    if elsewhere is not None and elsewhere == stored[0].height:  # nothing in common: further down is unknown
        elsewhere -= block_processing.DEEPEST
    return max(1, min(candidate for candidate in (height, elsewhere, without_block) if candidate is not None))


async def _build(
    settings: Settings,
    folder: DataFolder,
    store: Store,
    demo_wallet: Given,
    clock: Callable[[], int],
    journal: AddressJournal,
    last: RestoreCheck,
    preparing: tuple[PreparingRail, ...],
) -> _Opened:
    source, payer = chain_of(settings, folder, demo_wallet)
    scripts: set[bytes] = set()
    limits = settings.limits
    hub = Hub(store, limits.streams_per_purchase, VisitorLimits(limits.streams_per_visitor, limits.streams))
    rail = OnChainRail(source.network, scripts, sees_unconfirmed=source.sees_unconfirmed)
    master_key = MasterKey.load(folder.master_key)
    wallets = ConnectedWallets(store, master_key, opener(settings, source.network, clock), clock)
    rails = Rails(rail, (LightningRail(source.network, wallets, clock), *preparing))
    watcher = Watcher(
        store,
        source,
        scripts,
        clock=clock,
        watch_from=settings.chain.watch_from,
        loss_budget=settings.invoices.zero_conf_budget_sat,
        on_change=hub.wake,
        beyond=lambda conn: address_journal.beyond(conn, rail),
        on_skipped=lambda skipped, in_block: _on_skipped(readiness, journal, folder, skipped, in_block),
    )
    readiness = Readiness(watcher, last)
    preparer = RequestPreparer(store, rails, clock, on_change=hub.wake)
    policy = _policy(settings)
    context = GatewayContext(
        settings=settings,
        store=store,
        blobs=BlobDirectory(folder.blobs, reserve=settings.storage.min_free_bytes),
        master_key=master_key,
        buyer_secret=folder.load_buyer_secret(),
        rails=rails,
        journal=journal,
        source=source,
        simulated=isinstance(source, SimulatedChain),
        watcher=watcher,
        hub=hub,
        statuses=PurchaseCache(store, rails, purchase_views.encode),
        invoice_batcher=InvoiceBatcher(
            InvoiceIssuer(store, rails, policy, journal), preparer, clock, readiness.why_closed
        ),
        connections=wallets,
        rail_follower=RailFollower(store, rails, clock, hub.wake),
        readiness=readiness,
        network_fee=NetworkFee(source, clock),
        policy=policy,
        demo_wallet=payer,
        clock=clock,
        proxy_notice=UnlistedProxy(folder.unlisted_proxy),
    )
    return _Opened(context, source, watcher, preparer, wallets)


def _policy(settings: Settings) -> InvoicePolicy:
    invoices = settings.invoices
    return InvoicePolicy(
        expiry_seconds=settings.expiry_seconds,
        confirmations=invoices.confirmations,
        highest_price_sat=settings.highest_price_sat,
        zero_conf_below_sat=invoices.zero_conf_below_sat,
        loss_budget_sat=invoices.zero_conf_budget_sat,
        quotas=Quotas(
            network=invoices.cap_per_buyer,
            listing=invoices.cap_per_listing,
            account=invoices.cap_per_account,
            everything=invoices.cap_in_all,
            gap_limit=invoices.wallet_gap_limit,
            run=invoices.longest_unpaid_run,
        ),
    )


async def _catch_up(context: GatewayContext) -> None:
    """Give no address out again, even over a restored backup."""
    for skipped_range in await context.store.write(
        lambda conn: address_journal.catch_up(conn, context.rails.deriving, context.journal, context.clock())
    ):
        about = {"payout": skipped_range.payout_id, "first": skipped_range.first, "count": skipped_range.count}
        if skipped_range.count <= MOST_RESERVED:
            log.warning(
                "addresses_skipped",
                **about,
                reason="the last run did not end in order; addresses that it had reserved are left out",
                hint="Nothing is to be done, unless a backup was restored: then look for payments with bitcache rescan",
            )
        else:
            log.error(
                "addresses_skipped",
                **about,
                reason="the database is older than the addresses given out: a backup was restored",
                hint="Buyers may still pay to these addresses; look for such payments with: bitcache rescan",
            )


async def _recheck_payouts(context: GatewayContext) -> None:
    """Derive each seller's first addresses with both libraries; a seller for whom they differ sells nothing."""
    for payout in await context.store.read(sellers.active_payouts):
        try:
            await asyncio.to_thread(context.rails.deriving.check, payout.account, payout.script_type)
            reason = None
        except BitcacheError as error:
            reason = error.code
            log.error("payout_paused", payout=payout.id, code=error.code, reason=str(error), hint=error.advice)
        if reason != payout.paused:
            await context.store.write(partial(sellers.pause_payout, payout_id=payout.id, reason=reason))


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel it; had it died before, say so."""
    while not task.done():
        task.cancel()  # again, should a library have swallowed the first
        await asyncio.wait([task], timeout=1)
    [outcome] = await asyncio.gather(task, return_exceptions=True)
    if isinstance(outcome, Exception):
        log.error("task_died", task=task.get_name(), exc_info=outcome)
