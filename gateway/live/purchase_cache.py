"""Purchases as JSON, ready to be sent: asked for by every open page every few seconds, and seldom changed.

Two things make this fast.  What was read is kept until an event says that it changed; every change of a purchase
appends one in the same transaction, in whichever process, so an answer is never older than the last commit.  And
readers that wait together are served by one read, as the store's writers are by one commit: a thousand event streams
woken by one block cost a handful of queries.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sqlalchemy import Connection

from bitcache import event_log
from bitcache.batching import Batcher
from bitcache.errors import NotFound
from bitcache.event_log import Event, EventKind
from bitcache.identifiers import PurchaseId
from bitcache.purchases import Purchase, views
from bitcache.rails import Rails
from bitcache.storage.database import Store

LARGEST_READ = 500
LARGEST_CACHE = 10_000
#: With more news than that it is cheaper to read again what is asked for.
MOST_NEWS = 1_000


class PurchaseCache:
    """Every purchase's JSON by its id.  ``encode`` writes one purchase as JSON; it runs in the reader's thread."""

    def __init__(self, store: Store, rails: Rails, encode: Callable[[Purchase], bytes]) -> None:
        self._store, self._rails, self._encode = store, rails, encode
        self._token: int | None = None
        self._event = 0  #: what is kept is true as of this event
        self._kept: dict[PurchaseId, bytes] = {}
        self._catching_up = asyncio.Lock()
        self._readers = Batcher(self._read, LARGEST_READ)

    async def of(self, purchase_id: PurchaseId) -> bytes:
        """Return the purchase as it stands now; raise NotFound."""
        await self._catch_up()
        return self._kept.get(purchase_id) or await self._readers.ask(purchase_id)

    async def _catch_up(self) -> None:
        """Forget what has changed, up to the last commit of anybody."""
        if self._store.change_token() == self._token:
            return
        async with self._catching_up:
            token = self._store.change_token()
            if token != self._token:  # nobody else was here meanwhile
                self._forget(*await self._store.read(self._news))
                self._token = token

    def _news(self, conn: Connection) -> tuple[list[Event], int]:
        return event_log.after(conn, self._event, MOST_NEWS), event_log.newest(conn)

    def _forget(self, events: list[Event], newest: int) -> None:
        """Forget what events were about.

        Where they are too many, some were trimmed, or one is about a listing, which purchases show, forget everything.
        """
        whole = [event.id for event in events] == list(range(self._event + 1, newest + 1))
        if not whole or any(event.kind is EventKind.LISTING_CHANGED for event in events):
            self._kept.clear()
        for event in events:
            self._kept.pop(PurchaseId(event.subject), None)
        self._event = newest

    async def _read(self, ids: list[PurchaseId]) -> list[bytes | Exception]:
        event, encoded = await self._store.read(lambda conn: self._encoded(conn, list(set(ids))))
        if event >= self._event and len(self._kept) < LARGEST_CACHE:  # later news find it in there
            self._kept |= encoded
        return [encoded.get(purchase_id) or NotFound("no such purchase") for purchase_id in ids]

    def _encoded(self, conn: Connection, ids: list[PurchaseId]) -> tuple[int, dict[PurchaseId, bytes]]:
        event = event_log.newest(conn)
        shown = views(conn, self._rails, ids)
        return event, {purchase_id: self._encode(purchase) for purchase_id, purchase in shown.items()}
