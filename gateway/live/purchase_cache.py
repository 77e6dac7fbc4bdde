"""Purchases as JSON, ready to be sent: asked for by every open page every few seconds, and seldom changed.

Two things make this fast.  What was read is kept until the store's version says that it may be out of date,
so an answer is never older than the last commit.  And readers that wait together are served by one read, as the
store's writers are by one commit: a thousand event streams that hear of one block cost a handful of queries.
"""

from __future__ import annotations

from functools import partial

from sqlalchemy import Connection

from bitcache.batching import Batcher
from bitcache.errors import NotFound
from bitcache.identifiers import PurchaseId
from bitcache.payment_rail import Rail
from bitcache.purchases import views
from bitcache.storage.database import Store
from gateway.api.models import Purchase

LARGEST_READ = 500
LARGEST_CACHE = 10_000


class PurchaseCache:
    """Every purchase's JSON by its id."""

    def __init__(self, store: Store, rail: Rail) -> None:
        self._store, self._rail = store, rail
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
        found = await self._store.read(partial(_encoded, rail=self._rail, ids=list(set(ids))))
        self._forget_what_is_old()
        if version == self._version and len(self._kept) < LARGEST_CACHE:
            self._kept |= found
        return [found.get(one) or NotFound("no such purchase") for one in ids]


def _encoded(conn: Connection, rail: Rail, ids: list[PurchaseId]) -> dict[PurchaseId, bytes]:
    """In the reader's thread: encoding takes longer than reading."""
    return {one: Purchase.of(found).model_dump_json().encode() for one, found in views(conn, rail, ids).items()}
