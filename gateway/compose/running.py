"""Everything built, started, and ended in order; and the same parts put to work on a rescan."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import structlog

from bitcache import highwater, ledger, rescan, sellers, uploads
from bitcache.errors import BitcacheError, StorageError
from bitcache.highwater import LARGEST_STRIDE, HighWater
from bitcache.identifiers import TransferId
from bitcache.invoices import InvoicePolicy
from bitcache.masterkey import MasterKey
from bitcache.quotas import Quotas
from bitcache.storage.blobs import Blobs
from bitcache.storage.store import Store
from bitcache.till import MOST_AT_ONCE, Till
from gateway.admission import Admission
from gateway.compose import chores
from gateway.compose.chains import Given, chain_of
from gateway.compose.parts import Parts
from gateway.compose.setup import set_up
from gateway.datadir import DataDir
from gateway.hub import Hub
from gateway.proxy_notice import ProxyNotice
from gateway.settings import Settings
from gateway.statuses import Statuses
from wallet.chain.reading import lowest_elsewhere, read_chain
from wallet.rails.onchain import OnChainRail
from wallet.watcher import Watcher, issued_keys, unix_time

log = structlog.get_logger("gateway.compose")

#: Addresses of an account that a crash can leave out: one batch of buyers, and what was reserved ahead of it.
MOST_RESERVED = MOST_AT_ONCE + LARGEST_STRIDE


@asynccontextmanager
async def running(
    settings: Settings, *, purse: Given = None, clock: Callable[[], int] = unix_time
) -> AsyncIterator[Parts]:
    """A gateway at work on an initialised data folder.  With ``purse``, a demonstration on that chain."""
    folder = set_up(settings)
    async with AsyncExitStack() as stack:
        stack.enter_context(folder.locked())
        folder.tighten()
        store = await Store.open(folder.database)
        stack.push_async_callback(store.close)
        parts = await _build(settings, folder, store, purse, clock)
        await _catch_up(parts)
        stack.push_async_callback(_close_marks, parts)
        await uploads.sweep(parts.store, parts.blobs)
        await _recheck_payouts(parts)
        await parts.source.open()
        stack.push_async_callback(parts.source.close)
        for work in (parts.watcher.run(), parts.hub.pump(), chores.run(parts)):
            stack.push_async_callback(_end, asyncio.create_task(work))
        stack.callback(parts.hub.close)
        yield parts


async def rescan_payments(
    settings: Settings,
    height: int,
    *,
    apply: bool,
    progress: Callable[[int, int], None],
    purse: Given = None,
) -> rescan.Report:
    """Compare the ledger with the chain, and (``apply``) make it equal, with the gateway stopped.

    It begins at ``height``, or below, where the ledger has blocks that are not on the chain (``Report.start``).
    """
    folder = set_up(settings)
    async with AsyncExitStack() as stack:
        stack.enter_context(folder.locked())
        store = await Store.open(folder.database)
        stack.push_async_callback(store.close)
        parts = await _build(settings, folder, store, purse, unix_time)
        await _catch_up(parts)
        stack.push_async_callback(_close_marks, parts)
        await parts.source.open()
        stack.push_async_callback(parts.source.close)
        start = await _start_of_rescan(parts, height)
        keys = {key async for part in issued_keys(store) for key in part}
        others = await store.read(lambda conn: rescan.strangers(conn, parts.rail))
        found = await read_chain(parts.source, start, keys | others.keys(), progress)
        work = rescan.rescan if apply else rescan.dry_run
        budget = settings.invoices.zero_conf_budget_sat
        return await store.write(lambda conn: work(conn, found, others, unix_time(), loss_budget=budget))


async def _start_of_rescan(parts: Parts, height: int) -> int:
    """Where all that is above may be called equal when it was read: the blocks below are those of the chain."""
    stored = await parts.store.read(rescan.stored_blocks)
    homeless = await parts.store.read(rescan.lowest_homeless)
    elsewhere = await lowest_elsewhere(parts.source, stored)
    if elsewhere is not None and elsewhere == stored[0].height:  # nothing in common: further down is unknown
        elsewhere -= ledger.DEEPEST
    return max(1, min(one for one in (height, elsewhere, homeless) if one is not None))


async def _build(
    settings: Settings,
    folder: DataDir,
    store: Store,
    purse: Given,
    clock: Callable[[], int],
) -> Parts:
    source, payer = chain_of(
        settings, folder, purse, lambda: store.read(partial(ledger.accounts, rail=OnChainRail.name))
    )
    scripts: dict[bytes, TransferId] = {}
    limits = settings.limits
    hub = Hub(store, limits.streams_per_transfer, Admission(limits.streams_per_visitor, limits.streams))
    watcher = Watcher(
        store,
        source,
        scripts,
        clock=clock,
        birthday=settings.chain.watch_from,
        loss_budget=settings.invoices.zero_conf_budget_sat,
        on_change=hub.wake,
    )
    rail = OnChainRail(source.network, scripts, sees_unconfirmed=source.sees_unconfirmed)
    marks, policy = HighWater.open(folder.addresses), _policy(settings)
    return Parts(
        settings=settings,
        store=store,
        blobs=Blobs(folder.blobs, reserve=settings.storage.min_free_bytes),
        master_key=MasterKey.load(folder.master_key),
        buyer_secret=folder.load_buyer_secret(),
        rail=rail,
        marks=marks,
        source=source,
        watcher=watcher,
        hub=hub,
        statuses=Statuses(store, rail),
        till=Till(store, rail, policy, clock, marks),
        policy=policy,
        purse=payer,
        clock=clock,
        proxy_notice=ProxyNotice(folder.unlisted_proxy),
    )


def _policy(settings: Settings) -> InvoicePolicy:
    invoices = settings.invoices
    return InvoicePolicy(
        expiry_seconds=settings.expiry_seconds,
        confirmations=invoices.confirmations,
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


async def _catch_up(parts: Parts) -> None:
    """No address is given out again, even over a restored backup."""
    for one in await parts.store.write(lambda conn: highwater.catch_up(conn, parts.rail, parts.marks, parts.clock())):
        about = {"payout": one.payout_id, "first": one.first, "count": one.count}
        if one.count <= MOST_RESERVED:
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


async def _close_marks(parts: Parts) -> None:
    """Without room for that, the marks stay ahead, and the next start leaves a few addresses out: no reason to fail."""
    try:
        await parts.store.write(partial(parts.marks.close, rail=parts.rail))
    except StorageError as error:
        log.warning("addresses_not_closed", code=error.code, reason=str(error))


async def _recheck_payouts(parts: Parts) -> None:
    """Both libraries derive each seller's first addresses again; a seller for whom they differ sells nothing."""
    for payout in await parts.store.read(sellers.active_payouts):
        try:
            await asyncio.to_thread(parts.rail.check, payout.account, payout.script_type)
            reason = None
        except BitcacheError as error:
            reason = error.code
            log.error("payout_paused", payout=payout.id, code=error.code, reason=str(error), hint=error.advice)
        if reason != payout.paused:
            await parts.store.write(partial(sellers.pause_payout, payout_id=payout.id, reason=reason))


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel it; had it died before, say so."""
    while not task.done():
        task.cancel()  # again, should a library have swallowed the first
        await asyncio.wait([task], timeout=1)
    [outcome] = await asyncio.gather(task, return_exceptions=True)
    if isinstance(outcome, Exception):
        log.error("task_died", task=task.get_name(), exc_info=outcome)
