"""Purchases as JSON, ready to be sent: asked for by every open page every few seconds, and seldom changed.

Two things make this fast.  What was read is kept until the store's version says that it may be out of date,
so an answer is never older than the last commit.  And readers that wait together are served by one read, as the
store's writers are by one commit: a thousand event streams that hear of one block cost a handful of queries.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from bitcache.batching import Batcher
from bitcache.errors import NotFound
from bitcache.identifiers import PurchaseId
from bitcache.purchases import Purchase, views
from bitcache.rails import Rails
from bitcache.storage.database import Store

LARGEST_READ = 500
LARGEST_CACHE = 10_000


class PurchaseCache:
    """Every purchase's JSON by its id.  ``encode`` writes one purchase as JSON; it runs in the reader's thread."""

    def __init__(self, store: Store, rails: Rails, encode: Callable[[Purchase], bytes]) -> None:
        self._store, self._rails, self._encode = store, rails, encode
        self._version = store.version
        self._kept: dict[PurchaseId, bytes] = {}
        self._readers = Batcher(self._read, LARGEST_READ)

    async def of(self, purchase_id: PurchaseId) -> bytes:
        """The purchase as it stands now; raises NotFound."""
        self._forget_what_is_old()
        return self._kept.get(purchase_id) or await self._readers.ask(purchase_id)

    def _forget_what_is_old(self) -> None:
        if self._version != self._store.version:
            self._version = self._store.version
            self._kept.clear()

    async def _read(self, ids: list[PurchaseId]) -> list[bytes | Exception]:
        version = self._store.version
        encoded = await self._store.read(lambda conn: self._encoded(conn, list(set(ids))))
        self._forget_what_is_old()
        if version == self._version and len(self._kept) < LARGEST_CACHE:
            self._kept |= encoded
        return [encoded.get(purchase_id) or NotFound("no such purchase") for purchase_id in ids]

    def _encoded(self, conn: Connection, ids: list[PurchaseId]) -> dict[PurchaseId, bytes]:
        return {purchase_id: self._encode(purchase) for purchase_id, purchase in views(conn, self._rails, ids).items()}
