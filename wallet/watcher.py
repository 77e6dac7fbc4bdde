"""Step 4, observation: follows a chain source and reports to the ledger.  It never decides.

Each step is one write: the payments of a block and the cursor commit together, so a crash at any
instant repeats a step, and repeating changes nothing.  At the newest block it reports what waits for
a block, and up to when the chain is known.

It also looks at addresses that were not given out yet, as far as the database knows.  Who pays there was shown them by
a newer database: they are left out, in the write that says so.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog
from sqlalchemy import Connection

from bitcache import absent_payments, address_journal, block_processing, payments_known_until
from bitcache.address_journal import Beyond, Skipped
from bitcache.chain_errors import NodePruned, NodeWrongNetwork
from bitcache.chain_types import CHAIN, BlockRef, Payment
from bitcache.errors import BitcacheError
from bitcache.payments import match_keys_after
from bitcache.storage.database import Store
from wallet.chain.chain_source import Back, ChainSource, Forward

#: Where a first start begins, below the tip: deep enough that a reorganisation seldom reaches it.
SAFETY_DEPTH = 6
IDLE_SECONDS = 10.0
LOADED_AT_ONCE = 10_000
#: How often a transaction that left the mempool is handed to the node again.
OFFER_SECONDS = 600.0
BACKOFF_SECONDS = (1.0, 2.0, 4.0, 10.0)

log = structlog.get_logger("wallet.watcher")


@dataclass(slots=True)
class WatcherStatus:
    """How watching goes, for health pages.  ``error`` is that of the last attempt, ``failures`` counts by code."""

    cursor: BlockRef | None = None
    synced_at: int | None = None
    error: BitcacheError | None = None
    failures: Counter[str] = field(default_factory=Counter)


def unix_time() -> int:
    """Now, in whole Unix seconds."""
    return int(time.time())


async def issued_keys(store: Store) -> AsyncIterator[list[bytes]]:
    """Yield every script ever issued, in parts: there may be millions."""
    after, more = b"", True
    while more:
        keys = await store.read(partial(match_keys_after, scope=CHAIN, after=after, most=LOADED_AT_ONCE))
        yield keys
        after, more = keys[-1] if keys else b"", len(keys) == LOADED_AT_ONCE


class Watcher:
    """Watches ``scripts`` on ``source``, for ever.  ``on_change`` is called after every write that may matter."""

    def __init__(
        self,
        store: Store,
        source: ChainSource,
        scripts: set[bytes],
        *,
        clock: Callable[[], int] = unix_time,
        watch_from: int | None = None,
        loss_budget: int = 0,
        on_change: Callable[[], None] = lambda: None,
        beyond: Callable[[Connection], Beyond] = lambda conn: {},
        on_skipped: Callable[[Sequence[Skipped], bool], None] = lambda skipped, in_block: None,
    ) -> None:
        """``beyond``: addresses after the newest of each account; ``on_skipped`` is told which were passed by, and
        whether a block says so."""
        self.status = WatcherStatus()
        #: Set when, for the first time, everything is known up to the network's newest block.
        self.caught_up = asyncio.Event()
        self._find_beyond, self._on_skipped = beyond, on_skipped
        self._beyond: Beyond = {}
        self._offered: dict[str, float] = {}  # absent transactions, and when they were handed in last
        self._store, self._source, self._scripts = store, source, scripts
        self._clock, self._watch_from, self._on_change = clock, watch_from, on_change
        self._loss_budget = loss_budget
        self._lock = asyncio.Lock()
        self._loaded = False
        self._written: BlockRef | None = None  # the cursor, while nothing but our own last write can have moved it

    async def run(self) -> None:
        """Sync and wait, until cancelled.  Nothing that the node or the disk does ends it."""
        failures = 0
        while True:
            if await self.attempt():
                failures = 0
                await self._source.wait(IDLE_SECONDS)
            else:
                await asyncio.sleep(BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)])
                failures += 1

    async def sync(self) -> None:
        """Follow the chain to its newest block, then report what waits and up to when all is known."""
        async with self._lock:
            try:
                await self._load()
                await self._follow()
            except BaseException:
                self._written = None
                raise
            self.status.synced_at = self._clock()

    async def attempt(self) -> bool:
        """Sync once, and note a failure instead of raising it; return whether it worked."""
        try:
            await self.sync()
        except BitcacheError as error:
            if type(error) is not type(self.status.error):  # the first of a row: say it once
                say = log.error if isinstance(error, NodePruned | NodeWrongNetwork) else log.warning
                say("watching_paused", code=error.code, reason=str(error), hint=error.advice)
            self.status.error = error
            self.status.failures[error.code] += 1
            return False
        except Exception:  # a bug must not stop the payments of every other invoice
            log.exception("watching_failed")
            self.status.error = BitcacheError("the watcher failed; see the log")
            return False
        if self.status.error is not None:
            log.info("watching_again", height=self.status.cursor and self.status.cursor.height)
        self.status.error = None
        return True

    async def _load(self) -> None:
        """Load every script ever issued, once; later ones are added by the rail."""
        if self._loaded:
            return
        async for keys in issued_keys(self._store):
            self._scripts.update(keys)
        await self._look_beyond()
        self._loaded = True

    async def _look_beyond(self) -> None:
        self._beyond |= await self._store.read(self._find_beyond)
        self._scripts.update(self._beyond)

    async def _tell_skipped(self, skipped: Sequence[Skipped], *, in_block: bool) -> None:
        if skipped:
            self._on_skipped(skipped, in_block)
            await self._look_beyond()

    async def _follow(self) -> None:
        while True:
            began = self._clock()
            cursor = await self._cursor()
            if await self._step(cursor):
                continue
            waiting = await self._source.unconfirmed(self._scripts)
            conflicted = await self._look_after_absent(waiting)
            # a block found meanwhile took its payments out of what waits: look at it first
            if not await self._step(cursor):
                return await self._report(waiting, conflicted, began)

    async def _look_after_absent(self, waiting: Sequence[Payment]) -> set[str]:
        """Hand to the node again, now and then, what left the mempool; return what something else has replaced."""
        present = {payment.reference for payment in waiting}
        absent = await self._store.read(lambda conn: absent_payments.absent(conn, present))
        if not absent:
            self._offered.clear()
            return set()
        conflicted = await self._source.conflicted(absent)
        now = time.monotonic()
        for transaction in absent:
            if (
                transaction.txid not in conflicted
                and now - self._offered.get(transaction.txid, -OFFER_SECONDS) >= OFFER_SECONDS
            ):
                self._offered[transaction.txid] = now
                await self._source.offer(transaction.transactions)
        return conflicted

    async def _cursor(self) -> BlockRef:
        """Return where the ledger stands; the first time, begin a little below the tip."""
        cursor = self._written or await self._store.read(block_processing.cursor)
        if cursor is None:
            first = await self._first()
            await self._store.write(lambda conn: block_processing.start(conn, first))
            cursor = first
        self.status.cursor = cursor
        return cursor

    async def _first(self, below: int | None = None) -> BlockRef:
        """Return the block to begin at: that of the settings, or the safety depth under the tip (and ``below``)."""
        tip = await self._source.tip()
        if below is None and self._watch_from is not None:
            return await self._source.at(min(self._watch_from, tip.height))
        top = tip.height if below is None else min(tip.height, below)
        return await self._source.at(max(0, top - SAFETY_DEPTH))

    async def _step(self, cursor: BlockRef) -> bool:
        """Take one step and write it; False when there is none to take."""
        match await self._source.step(cursor, self._scripts):
            case Forward(block, payments):
                await self._forward(cursor, block, payments)
            case Back():
                await self._back(cursor)
            case None:
                return False
        self._on_change()
        return True

    async def _forward(self, cursor: BlockRef, block: BlockRef, payments: Sequence[Payment]) -> None:
        now = self._clock()

        def extend(conn: Connection) -> list[Skipped]:
            block_processing.extend(conn, cursor, block, payments, now)
            return self._pass_by(conn, payments, now)

        skipped = await self._store.write(extend)
        self._written = block
        await self._tell_skipped(skipped, in_block=True)
        if payments:
            log.info("payments_in_block", height=block.height, payments=len(payments))

    async def _back(self, cursor: BlockRef) -> None:
        """Undo the cursor's block; if it was the first of all, begin again below it, in the same write."""
        await self._refuse_another_chain(cursor)
        now, restart = self._clock(), await self._first(below=cursor.height - 1)

        def undo(conn: Connection) -> None:
            block_processing.undo(conn, cursor, now)
            block_processing.start(conn, restart)  # does nothing while older blocks are known

        self._written = None
        await self._store.write(undo)
        log.warning("block_undone", height=cursor.height)

    async def _refuse_another_chain(self, cursor: BlockRef) -> None:
        """Refuse a chain that differs deeper than any reorganisation: undoing ours would call all sales lost."""
        deep = await self._store.read(
            lambda conn: block_processing.block_at(conn, cursor.height - block_processing.DEEPEST)
        )
        if deep is None:
            return
        tip = await self._source.tip()
        if tip.height < deep.height or await self._source.at(deep.height) != deep:
            raise NodeWrongNetwork(
                f"this is another chain: block {deep.height}, seen long ago, is not on it",
                hint="Connect the node that the gateway used before. If this chain is the right one, stop the gateway "
                f"and rebuild the payments: bitcache rescan --from {max(1, deep.height - block_processing.DEEPEST)}",
            )

    async def _report(self, waiting: Sequence[Payment], conflicted: set[str], began: int) -> None:
        """Report, at the newest block, what waits, and, if the node itself is up to date, until when all is known.

        A source that sees no mempool says that nothing waits: what a reorganisation undid, and the new chain has
        not taken up again, is gone until a block brings it back.
        """
        synced = (await self._source.status()).synced
        now = self._clock()

        def report(conn: Connection) -> list[Skipped]:
            block_processing.unconfirmed(conn, waiting, now, conflicted=conflicted, loss_budget=self._loss_budget)
            if synced:
                payments_known_until.set_known_until(conn, CHAIN, began, now)
            return self._pass_by(conn, waiting, now)

        await self._tell_skipped(await self._store.write(report), in_block=False)
        if synced:
            self.caught_up.set()
        self._on_change()

    def _pass_by(self, conn: Connection, payments: Sequence[Payment], now: int) -> list[Skipped]:
        """Return addresses that are paid, and were never given out here, never will be."""
        return address_journal.pass_by(
            conn, CHAIN, {payment.key for payment in payments} & self._beyond.keys(), self._beyond, now
        )
