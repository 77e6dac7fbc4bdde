"""Sealing beside sending: while one block of an upload is on its way, a thread seals and hashes the next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

BLOCK = 2**20  #: bytes; two of them are in memory


class SealedSource(Protocol):
    """``size`` sealed bytes, readable at any offset that was reached before, by one thread at a time."""

    size: int

    def read(self, offset: int, length: int) -> memoryview:
        """Return bytes from ``offset``."""
        ...


class ReadAhead:
    """A source's bytes as they are asked for; make it with :func:`read_ahead`."""

    def __init__(self, sealed: SealedSource) -> None:
        self.size = sealed.size
        self._sealed, self._start, self._block = sealed, 0, memoryview(b"")
        self._ahead: tuple[int, asyncio.Future[memoryview]] | None = None

    async def take(self, offset: int, most: int) -> memoryview:
        """Return 1 to ``most`` bytes from ``offset``; raise what the source raises."""
        if not self._start <= offset < self._start + len(self._block):
            await self._go_to(offset)
        return self._block[offset - self._start :][:most]

    async def settle(self) -> None:
        """Wait for the thread that reads, and forget what it read."""
        if self._ahead is not None:
            await asyncio.wait([self._ahead[1]])
            self._ahead[1].exception()  # it concerns nobody any more
            self._ahead = None

    async def _go_to(self, offset: int) -> None:
        """Make what begins at ``offset`` the present block, and begin to read what follows."""
        if self._ahead is None or self._ahead[0] != offset:
            await self.settle()
            self._begin(offset)
        assert self._ahead is not None
        self._block = await asyncio.shield(self._ahead[1])  # a request that is given up does not stop the thread
        self._start, self._ahead = offset, None
        self._begin(offset + len(self._block))

    def _begin(self, offset: int) -> None:
        if offset < self.size:
            reading = asyncio.get_running_loop().run_in_executor(None, self._sealed.read, offset, BLOCK)
            self._ahead = offset, reading


@asynccontextmanager
async def read_ahead(sealed: SealedSource) -> AsyncIterator[ReadAhead]:
    """Yield what reads ``sealed``; nothing reads it any more afterwards."""
    ahead = ReadAhead(sealed)
    try:
        yield ahead
    finally:
        await ahead.settle()
