"""Transfers as JSON, ready to be sent: asked for by every open page every few seconds, and seldom changed.

Two things make this fast.  What was read is kept until the store's version says that it may be out of date,
so an answer is never older than the last commit.  And readers that wait together are served by one read, as the
store's writers are by one commit: a thousand event streams that hear of one block cost a handful of queries.
"""

from __future__ import annotations

import asyncio
from functools import partial

from sqlalchemy import Connection

from bitcache.errors import NotFound
from bitcache.identifiers import TransferId
from bitcache.ports import Rail
from bitcache.storage.store import Store
from bitcache.transfers import views
from gateway.api.models import Transfer

LARGEST_READ = 500
LARGEST_CACHE = 10_000

_Waiting = dict[TransferId, "asyncio.Future[bytes | None]"]


class Statuses:
    """Every transfer's JSON by its id."""

    def __init__(self, store: Store, rail: Rail) -> None:
        self._store, self._rail = store, rail
        self._version = store.version
        self._kept: dict[TransferId, bytes] = {}
        self._waiting: _Waiting = {}
        self._reading: asyncio.Task[None] | None = None

    async def of(self, transfer_id: TransferId) -> bytes:
        """The transfer as it stands now; raises NotFound."""
        self._forget_what_is_old()
        found = self._kept.get(transfer_id) or await self._read_with_others(transfer_id)
        if found is None:
            raise NotFound("no such transfer")
        return found

    def _forget_what_is_old(self) -> None:
        if self._version != self._store.version:
            self._version = self._store.version
            self._kept.clear()

    async def _read_with_others(self, transfer_id: TransferId) -> bytes | None:
        """Part of the next read, which begins after this call."""
        if transfer_id not in self._waiting:
            self._waiting[transfer_id] = asyncio.get_running_loop().create_future()
        answer = self._waiting[transfer_id]
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_while_asked(), name="statuses")
        return await asyncio.shield(answer)

    async def _read_while_asked(self) -> None:
        while self._waiting:
            ids = list(self._waiting)[:LARGEST_READ]
            asked = {one: self._waiting.pop(one) for one in ids}
            try:
                found = await self._read(ids)
            except Exception as error:  # belongs to those who asked, and must not stop the next read
                _resolve(asked, error)
            else:
                _resolve(asked, found)

    async def _read(self, ids: list[TransferId]) -> dict[TransferId, bytes]:
        version = self._store.version
        found = await self._store.read(partial(_encoded, rail=self._rail, ids=ids))
        self._forget_what_is_old()
        if version == self._version and len(self._kept) < LARGEST_CACHE:
            self._kept |= found
        return found


def _encoded(conn: Connection, rail: Rail, ids: list[TransferId]) -> dict[TransferId, bytes]:
    """In the reader's thread: encoding takes longer than reading."""
    return {one: Transfer.of(found).model_dump_json().encode() for one, found in views(conn, rail, ids).items()}


def _resolve(asked: _Waiting, answer: dict[TransferId, bytes] | Exception) -> None:
    for transfer_id, waiting in asked.items():
        if isinstance(answer, Exception):
            waiting.set_exception(answer)
        else:
            waiting.set_result(answer.get(transfer_id))
