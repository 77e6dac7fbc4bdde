"""The till: buyers who come at the same time are served by one write, with a few statements for all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bitcache.errors import SalesPaused
from bitcache.highwater import HighWater
from bitcache.identifiers import FileId
from bitcache.invoices import Answer, InvoicePolicy, create_transfers
from bitcache.networks import Networks
from bitcache.orders import Wish
from bitcache.ports import Rail
from bitcache.storage.store import Store
from bitcache.together import Together

MOST_AT_ONCE = 128

#: Why nothing is sold right now, or None; it may wait for a moment.
WhyClosed = Callable[[], Awaitable[SalesPaused | None]]


async def always_open() -> None:
    """Nothing stops sales."""


class Till:
    """Where purchases begin."""

    def __init__(
        self,
        store: Store,
        rail: Rail,
        policy: InvoicePolicy,
        clock: Callable[[], int],
        marks: HighWater,
        why_closed: WhyClosed = always_open,
    ) -> None:
        self._why_closed = why_closed
        self._store, self._rail, self._policy, self._clock, self._marks = store, rail, policy, clock, marks
        self._wishes = Together(self._serve, MOST_AT_ONCE)

    async def open(self, file_id: FileId, claim_hash: bytes, networks: Networks | None, work: int = 0) -> Answer:
        """The transfer of this claim, committed, and whether it is new; ``work`` was proven for it, in bits.

        Raises NotFound, ClaimMismatch (the claim asked for another file before), SalesPaused, TooMany, WorkRequired.
        """
        return await self._wishes.ask(Wish(file_id, claim_hash, networks, work))

    async def _serve(self, wishes: list[Wish]) -> list[Answer | Exception]:
        closed = await self._why_closed()
        now = self._clock()
        return await create_transfers(
            self._store, self._rail, wishes, self._policy, now, marks=self._marks, closed=closed
        )
