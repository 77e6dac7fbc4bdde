"""Follows the rails that report what came in themselves, and writes down what they say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from bitcache import payments, payments_known_until
from bitcache.errors import BitcacheError
from bitcache.payment_rail import PreparingRail
from bitcache.payments import IncomingPayment
from bitcache.storage.database import Store

BACKOFF_SECONDS = (1.0, 2.0, 4.0, 10.0)

log = structlog.get_logger("bitcache.follow_rails")


@dataclass(frozen=True)
class Recorder:
    """Where one rail reports; ``on_change`` is called after every write that may matter."""

    store: Store
    rail: PreparingRail
    clock: Callable[[], int]
    on_change: Callable[[], None] = lambda: None

    async def record(self, received: Sequence[IncomingPayment]) -> None:
        """Record what came in."""
        await self.store.write(partial(payments.record, scope=self.rail.scope, payments=received, now=self.clock()))
        self.on_change()

    async def withdraw(self, references: Sequence[str]) -> None:
        """Withdraw payments that will not become final."""
        await self.store.write(partial(payments.withdraw, rail=self.rail.name, references=references, now=self.clock()))
        self.on_change()

    async def known_until(self, until: int) -> None:
        """Record that everything up to ``until`` (Unix seconds) was reported."""
        await self.store.write(
            partial(payments_known_until.set_known_until, scope=self.rail.scope, until=until, now=self.clock())
        )
        self.on_change()


async def follow(recorder: Recorder) -> None:
    """Follow one rail for ever; a lost connection is made again, and what nobody saw meanwhile pauses expiry."""
    failures, name = 0, recorder.rail.name
    while True:
        try:
            await recorder.rail.follow(recorder)
            failures = 0
        except BitcacheError as error:
            if not failures:  # the first of a row: say it once
                log.warning("rail_paused", rail=name, code=error.code, reason=str(error), hint=error.advice)
            failures += 1
        except Exception:  # a bug in one rail must not stop what is paid by the others
            log.exception("rail_failed", rail=name)
            failures += 1
        await asyncio.sleep(BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS)) - 1] if failures else 0)
