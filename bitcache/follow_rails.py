"""Follows the rails that report what came in themselves, and writes down what they say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import structlog

from bitcache import payment_requests, payments, payments_known_until, wallet_connections
from bitcache.errors import BitcacheError
from bitcache.payment_rail import AwaitedRequest, PreparingRail
from bitcache.payments import IncomingPayment
from bitcache.rails import Rails
from bitcache.storage.database import Store

BACKOFF_SECONDS = (1.0, 2.0, 4.0, 10.0)
#: Requests that ended longer ago are asked for no more.
UNKNOWN_SECONDS = 7 * 86_400
#: So often it is looked which wallets are connected, by whichever process.
LOOK_AGAIN_SECONDS = 30.0

log = structlog.get_logger("bitcache.follow_rails")


@dataclass(frozen=True)
class Recorder:
    """Where one rail reports; ``on_change`` is called after every write that may matter."""

    store: Store
    rail: PreparingRail
    scope: str
    clock: Callable[[], int]
    on_change: Callable[[], None] = lambda: None
    #: set by every report: the connection works
    worked: asyncio.Event = field(default_factory=asyncio.Event, compare=False)

    async def record(self, received: Sequence[IncomingPayment]) -> None:
        """Record what came in."""
        self.worked.set()
        await self.store.write(partial(payments.record, scope=self.scope, payments=received, now=self.clock()))
        self.on_change()

    async def awaited(self) -> list[AwaitedRequest]:
        """Return what may still be paid, and what ended so lately that its payment may not be known."""
        since = self.clock() - UNKNOWN_SECONDS
        return await self.store.read(partial(payment_requests.awaited, scope=self.scope, since=since))

    async def withdraw(self, references: Sequence[str]) -> None:
        """Withdraw payments that will not become final."""
        await self.store.write(partial(payments.withdraw, rail=self.rail.name, references=references, now=self.clock()))
        self.on_change()

    async def known_until(self, until: int) -> None:
        """Record that everything up to ``until`` (Unix seconds) was reported."""
        self.worked.set()
        await self.store.write(
            partial(payments_known_until.set_known_until, scope=self.scope, until=until, now=self.clock())
        )
        self.on_change()


async def follow(recorder: Recorder) -> None:
    """Follow one rail for ever; a lost connection is made again, and what nobody saw meanwhile pauses expiry."""
    failures, name = 0, recorder.rail.name
    while True:
        recorder.worked.clear()
        try:
            await recorder.rail.follow(recorder.scope, recorder)
            failures = 0
        except BitcacheError as error:
            failures = 0 if recorder.worked.is_set() else failures
            if not failures:  # the first of a row: say it once
                log.warning("rail_paused", rail=name, code=error.code, reason=str(error), hint=error.advice)
            failures += 1
        except Exception:  # a bug in one rail must not stop what is paid by the others
            log.exception("rail_failed", rail=name)
            failures += 1
        await asyncio.sleep(BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS)) - 1] if failures else 0)


class RailFollower:
    """Follows every scope that a payment may come to; :meth:`wake` when a seller has connected a wallet."""

    def __init__(self, store: Store, rails: Rails, clock: Callable[[], int], on_change: Callable[[], None]) -> None:
        self._store, self._rails, self._clock, self._on_change = store, rails, clock, on_change
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """Look again which scopes there are."""
        self._changed.set()

    async def run(self) -> None:
        """Follow, for ever; what is followed ends with it."""
        try:
            while True:
                self._changed.clear()
                await self._follow_all()
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_AGAIN_SECONDS):
                        await self._changed.wait()
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _follow_all(self) -> None:
        wanted = {(rail.name, scope) for rail in self._rails.preparing for scope in await self._scopes(rail)}
        for key in self._tasks.keys() - wanted:
            self._tasks.pop(key).cancel()
        for name, scope in wanted - self._tasks.keys():
            recorder = Recorder(self._store, self._rails.preparing_rail(name), scope, self._clock, self._on_change)
            self._tasks[name, scope] = asyncio.create_task(follow(recorder))

    async def _scopes(self, rail: PreparingRail) -> list[str]:
        if rail.scope is not None:
            return [rail.scope]
        since = self._clock() - UNKNOWN_SECONDS
        used = await self._store.read(partial(wallet_connections.in_use, rail=rail.name, since=since))
        return [connection.scope for connection in used]
