"""The hub: hands new events to whoever listens in this process.

A listener learns only *that* its purchase changed and reads the state itself, so a hundred changes
that it slept through are one, no queue can grow, and a slow listener keeps nobody waiting.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import structlog

from bitcache import event_log
from bitcache.errors import BitcacheError, TooManyStreams
from bitcache.identifiers import PurchaseId
from bitcache.storage.database import Store
from gateway.visitor_limits import VisitorLimits

#: So often it is looked whether another process has written (seconds).
INTERVAL_SECONDS = 0.25


log = structlog.get_logger("gateway.live.hub")


class Hub:
    """Fan-out by purchase id.  ``closed`` is set when the gateway shuts down, and ends every stream."""

    def __init__(self, store: Store, streams_per_purchase: int, streams: VisitorLimits) -> None:
        self.closed = asyncio.Event()
        self._store = store
        self._limit, self._streams = streams_per_purchase, streams
        self._listeners: dict[PurchaseId, set[asyncio.Event]] = defaultdict(set)
        self._wake = asyncio.Event()
        self._token: int | None = None
        self._position: int | None = None  #: the last event that was delivered here

    def wake(self) -> None:
        """There may be new events: the watcher or a handler wrote."""
        self._wake.set()

    @property
    def full(self) -> bool:
        """Whether nobody more can listen, to any purchase."""
        return self._streams.full

    @contextmanager
    def listening(self, purchase_id: PurchaseId, address: str) -> Iterator[asyncio.Event]:
        """Yield an event that is set whenever the purchase may have changed, and on shutdown; clear it, then read.

        Raise TooManyStreams.
        """
        if len(self._listeners.get(purchase_id, ())) >= self._limit:
            raise TooManyStreams
        changed = asyncio.Event()
        with self._streams.entered(address) as room:
            if not room:
                raise TooManyStreams("your network watches too many purchases at once")
            self._listeners[purchase_id].add(changed)
            try:
                yield changed
            finally:
                self._listeners[purchase_id].discard(changed)
                if not self._listeners[purchase_id]:
                    del self._listeners[purchase_id]

    async def pump(self) -> None:
        """Deliver what any process writes, for ever; what the database refuses is tried again."""
        while True:
            try:
                await self._deliver_if_changed()
            except BitcacheError as error:
                log.warning("events_wait", code=error.code, reason=str(error))
            except Exception:  # a bug must not leave every open page without news
                log.exception("events_failed")
            try:
                async with asyncio.timeout(INTERVAL_SECONDS):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def close(self) -> None:
        """End every stream."""
        self.closed.set()
        for events in self._listeners.values():
            for changed in events:
                changed.set()

    async def _deliver_if_changed(self) -> None:
        self._wake.clear()
        token = self._store.change_token()
        if token != self._token:
            await self._deliver()
            self._token = token

    async def _deliver(self) -> None:
        if self._position is None:
            self._position = await self._store.read(event_log.cursor)
        while events := await self._store.read(partial(event_log.after, event_id=self._position)):
            for event in events:
                for changed in self._listeners.get(PurchaseId(event.subject), ()):
                    changed.set()
            self._position = events[-1].id
            await self._store.write(partial(event_log.acknowledge, up_to=self._position))
