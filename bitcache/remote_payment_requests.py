"""Payment requests that another machine must make: asked for outside every write, attached when they are ready.

A rail that fails, or does not answer within the time limit, is left out of that invoice with a reason; the others, and
the invoice itself, wait for nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar
from weakref import WeakValueDictionary

import structlog
from sqlalchemy import Connection

from bitcache import payment_requests
from bitcache.errors import RailUnavailable, StorageError, UnknownRail
from bitcache.payment_rail import PreparedRequest, PreparingRail, RequestOrder
from bitcache.payment_requests import Order
from bitcache.rails import Rails
from bitcache.storage.database import Store

#: A buyer who still waits after so long pays in another way.
TIME_LIMIT_SECONDS = 10.0
#: So many requests one wallet is asked for at once; the others wait, within their time.
ASKED_AT_ONCE = 32

#: A disk that was full is tried again after so long.
AGAIN_SECONDS = 1.0

T = TypeVar("T")

log = structlog.get_logger("bitcache.remote_payment_requests")


class RequestPreparer:
    """Prepares, in tasks of its own.  ``on_change`` is called after every write."""

    def __init__(
        self,
        store: Store,
        rails: Rails,
        clock: Callable[[], int],
        *,
        on_change: Callable[[], None] = lambda: None,
        time_limit: float = TIME_LIMIT_SECONDS,
    ) -> None:
        self._store, self._rails, self._clock = store, rails, clock
        self._on_change, self._time_limit = on_change, time_limit
        self._places: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, orders: list[Order]) -> None:
        """Prepare these, without waiting for it."""
        for name, order in orders:
            task = asyncio.create_task(self._prepare(name, order))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def resume(self) -> None:
        """Go on, at start, with what the last run did not finish."""
        self.begin(await self._store.read(payment_requests.orders))

    async def close(self) -> None:
        """Stop; the next run goes on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _prepare(self, name: str, order: RequestOrder) -> None:
        try:
            rail = self._rails.preparing_rail(name)
            prepared = await self._ask(rail, order)
        except (RailUnavailable, UnknownRail) as error:
            await self._fail(name, order, str(error))
        except TimeoutError:
            await self._fail(name, order, "the wallet did not answer in time")
        except Exception:  # a rail's bug must leave no request that is prepared for ever
            log.exception("request_failed", rail=name)
            await self._fail(name, order, "an unexpected error")
        else:
            await self._attach(rail, order, prepared)
        self._on_change()

    async def _ask(self, rail: PreparingRail, order: RequestOrder) -> PreparedRequest:
        places = self._places.setdefault(order.scope, asyncio.Semaphore(ASKED_AT_ONCE))
        async with asyncio.timeout(self._time_limit), places:
            return await rail.prepare(order)

    async def _attach(self, rail: PreparingRail, order: RequestOrder, prepared: PreparedRequest) -> None:
        if await self._write(lambda conn: payment_requests.attach(conn, order, prepared, self._clock())):
            rail.watch(prepared.destination.match_key)

    async def _fail(self, name: str, order: RequestOrder, reason: str) -> None:
        log.warning("request_unavailable", rail=name, purchase_id=order.purchase_id, reason=reason)
        await self._write(lambda conn: payment_requests.fail(conn, order, reason, self._clock()))

    async def _write(self, work: Callable[[Connection], T]) -> T:
        """Write it down; a disk that is full is tried again, since nobody else decides this request in this run."""
        while True:
            try:
                return await self._store.write(work)
            except StorageError as error:
                log.warning("request_waits", code=error.code, reason=str(error))
                await asyncio.sleep(AGAIN_SECONDS)
