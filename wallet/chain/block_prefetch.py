"""Reads the next block from a node while this one is looked at: half the time of catching up is the node's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from bitcache.chain_types import BlockRef
from bitcache.errors import BitcacheError
from wallet.chain.chain_source import Back


@dataclass(frozen=True, slots=True)
class PrefetchedBlock:
    """The block after some cursor.  ``more``: it was not the newest."""

    block: BlockRef
    raw: bytes
    more: bool


Fetch = Callable[[BlockRef], Coroutine[Any, Any, PrefetchedBlock | Back | None]]


class BlockPrefetch:
    """One block ahead, and only where there surely is one: at the newest block nothing more is asked than without."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._cursor: BlockRef | None = None
        self._task: asyncio.Task[PrefetchedBlock | Back | None] | None = None

    async def after(self, cursor: BlockRef) -> PrefetchedBlock | Back | None:
        """Return what follows ``cursor``; only a block is believed that was read ahead, the rest is asked anew."""
        block = await self._take(cursor) or await self._fetch(cursor)
        if isinstance(block, PrefetchedBlock) and block.more:
            self._cursor, self._task = block.block, asyncio.create_task(self._fetch(block.block))
        return block

    async def close(self) -> None:
        """Forget what was read."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _take(self, cursor: BlockRef) -> PrefetchedBlock | None:
        if self._task is None or self._cursor != cursor:
            await self.close()
            return None
        task, self._task = self._task, None
        try:
            block = await task
        except BitcacheError:
            return None
        return block if isinstance(block, PrefetchedBlock) else None
