"""What is done now and then: changes of payout when they are due; once an hour unfinished uploads, deleted files and
old events are removed, and long runs of unpaid addresses reported.
"""

from __future__ import annotations

import asyncio
from functools import partial

import structlog

from bitcache import event_log, listing_states, payout_changes, sellers, uploads
from bitcache.errors import BitcacheError
from gateway.context import GatewayContext

INTERVAL_SECONDS = 3600.0
#: So often it is looked whether a change of payout is due.
CHANGES_SECONDS = 15.0
DAY = 86_400
#: A run of unpaid addresses this long, and each one twice as long, is worth a word: somebody may be burning them.
LONG_RUN = 1000

log = structlog.get_logger("gateway.maintenance")


async def run(context: GatewayContext) -> None:
    """Work at once and every hour; what fails is tried again an hour later."""
    told: dict[int, int] = {}
    while True:
        try:
            await clear_uploads(context)
            await remove_deleted(context)
            await tell_long_runs(context, told)
            await trim_events(context)
        except BitcacheError as error:
            log.warning("maintenance_waits", code=error.code, reason=str(error))
        except Exception:  # they are done again; nobody looks for a task that died
            log.exception("maintenance_failed")
        await asyncio.sleep(INTERVAL_SECONDS)


async def make_payout_changes(context: GatewayContext) -> None:
    """Make changes of where sellers are paid when their time has come, for ever."""
    while True:
        try:
            made = await context.store.write(lambda conn: payout_changes.apply_due(conn, context.clock()))
            if made:
                log.info("payouts_changed", sellers=[change.seller_id for change in made])
                context.rail_follower.wake()
        except BitcacheError as error:
            log.warning("payout_changes_wait", code=error.code, reason=str(error))
        except Exception:  # a change that is not made must not stop those of others
            log.exception("payout_changes_failed")
        await asyncio.sleep(CHANGES_SECONDS)


async def clear_uploads(context: GatewayContext) -> None:
    """Nobody goes on with them."""
    storage = context.settings.storage
    old = await uploads.expire(context.store, context.blobs, context.clock() - storage.upload_seconds)
    if old:
        log.info("uploads_cleared", count=len(old), days=storage.upload_days)


async def remove_deleted(context: GatewayContext) -> None:
    """Remove the bytes of deleted files once every buyer has had the time to download them."""
    keep = context.settings.storage.deleted_seconds
    for file_id in await context.store.read(lambda conn: listing_states.due_for_removal(conn, context.clock(), keep)):
        async with context.blobs.lock(file_id):
            await context.blobs.delete(file_id)
            await context.store.write(partial(listing_states.mark_removed, file_id=file_id, now=context.clock()))
        log.info("file_removed", file_id=file_id)


async def trim_events(context: GatewayContext) -> None:
    """Delete old events in batches, so that no payment waits for it."""
    keep = context.settings.storage.event_days * DAY
    while await context.store.write(lambda conn: event_log.trim(conn, context.clock(), keep)):
        continue


async def tell_long_runs(context: GatewayContext, told: dict[int, int]) -> None:
    """``told`` remembers each payout's run when it was last logged."""
    for payout in await context.store.read(sellers.active_payouts):
        if payout.gap_hint >= max(LONG_RUN, 2 * told.get(payout.id, 0)):
            told[payout.id] = payout.gap_hint
            hint = f"Let the seller's wallet look {payout.gap_hint + 20} addresses ahead, or it misses payments."
            log.warning("unpaid_addresses", payout=payout.id, run=payout.gap_hint, hint=hint)
