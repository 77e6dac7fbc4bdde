"""A chain source without a node of one's own: compact block filters (BIP157, BIP158).

Nobody learns an address: filters of every block are fetched, and whole blocks where one matches.  The price is that
payments are seen only when they are in a block, and that work and agreement stand for the rules that a node checks.
See docs/light-client.md.

Three things hold before a block is told of: our own chain of checked headers has it, enough different peers have it and
agree on its filter, and the payments in it hash to its header.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from bitcache.chain_errors import ChainError, NodeRefused, NodeUnreachable, NodeWarmingUp
from bitcache.chain_types import Absent, BlockRef, Payment
from wallet.chain.chain_source import Back, ChainStatus, Forward, Scripts, Step
from wallet.chain.light.consensus import RULES, ConsensusRules
from wallet.chain.light.filter_quorum import FilterQuorum, Undecided
from wallet.chain.light.header_chain import HeaderChain
from wallet.chain.light.peer_discovery import Peers
from wallet.chain.light.peer_pool import PeerPool, too_few

#: How long a question waits for peers before it fails, to be asked again.
PATIENCE_SECONDS = 20.0
STATUS_SECONDS = 2.0
#: Peers may be a few blocks behind those that we had before; so many at most.
LAG = 6
#: For so long the newest block may be one that not enough peers have yet.
SPREAD_SECONDS = 60.0
#: Headers are written down so often at most, and at the end.
SAVE_SECONDS = 600.0
DISAGREE = "Nothing is lost: others are asked. Name more peers in chain.light_peers, or run a node of your own."


class LightSource:
    """Follows ``network`` by headers of its own and filters on which ``connections`` peers agree."""

    sees_unconfirmed = False
    name = "compact block filters"

    def __init__(
        self,
        network: str,
        folder: Path,
        *,
        peers: Sequence[str] = (),
        connections: int = 2,
        proxy: str | None = None,
        rules: ConsensusRules | None = None,
    ) -> None:
        """``peers``: ``host:port`` of those to use, and no others.  Raise InvalidSettings."""
        self.network = network
        self._rules = rules or RULES[network]
        self._quorum = connections
        self._file = folder / network / "headers.dat"
        self._chain = HeaderChain(self._rules)
        self.pool = PeerPool(Peers(network, peers, connections, proxy), self._chain, self._notice)
        self._filters = FilterQuorum(self._chain, self.pool, connections)
        self._changed = asyncio.Event()
        self._told: BlockRef | None = None
        self._saved_at = time.monotonic()
        self._seen, self._grew_at = self._chain.tip, time.monotonic()

    async def open(self) -> None:
        """Read the headers of last time, and begin to connect."""
        await asyncio.to_thread(self._chain.load, self._file)
        self.pool.start()

    async def close(self) -> None:
        """Hang up, and write the headers down."""
        await self.pool.close()
        await asyncio.to_thread(self._chain.save, self._file)

    async def status(self) -> ChainStatus:
        """Return how it is; wait a moment for the first peer at most."""
        with contextlib.suppress(ChainError):
            async with _patience(self._why_not, STATUS_SECONDS):
                await self._until(lambda: self._why_not_yet() is None)
        error, tip, common = self._why_not_yet(), self._chain.tip, self._common()
        behind = common != tip and time.monotonic() > self._grew_at + SPREAD_SECONDS
        return ChainStatus(
            reachable=bool(self.pool.connected()),
            network=self.network,
            height=common.height if common else tip.height,
            headers=tip.height,
            synced=error is None and not behind and self._is_fresh(),
            warning=self._warning(behind),
            error=error,
            peers=len(self.pool.connected()),
            tip_time=self._chain.tip_time,
        )

    async def tip(self) -> BlockRef:
        """Return the newest block that enough peers have."""
        async with _patience(self._why_not):
            await self._until(lambda: self._why_not_yet() is None)
            return self._common() or self._chain.tip

    async def at(self, height: int) -> BlockRef:
        """Return the block at ``height``."""
        if height < self._rules.base.height:
            raise self._below_base()
        if not self._chain.known(height):
            raise NodeWarmingUp("no such block yet")
        return self._chain.at(height)

    async def step(self, cursor: BlockRef, scripts: Scripts) -> Step:
        """Return what follows ``cursor``."""
        if cursor.height < self._rules.base.height:
            raise self._below_base()
        async with _patience(self._why_not):
            while True:
                changed = self._changed
                try:
                    if self._why_not_yet() is None:
                        return await self._next(cursor, scripts)
                except Undecided:
                    pass
                await self._news(changed)

    async def unconfirmed(self, scripts: Scripts) -> list[Payment]:
        """Return nothing: filters are of blocks."""
        return []

    async def offer(self, transactions: Sequence[bytes]) -> None:
        """Nothing: this client sends no transactions."""

    async def conflicted(self, absent: Sequence[Absent]) -> set[str]:
        """None: filters do not tell what else is spent."""
        return set()

    async def fee_rate(self) -> int | None:
        """Return None: peers tell of no fees."""
        return None

    async def wait(self, timeout: float) -> None:
        """Return when a block may have arrived, or after ``timeout`` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while self._common() in (None, self._told):
                    await self._changed.wait()
        self._told = self._common() or self._told

    # What follows a block

    async def _next(self, cursor: BlockRef, scripts: Scripts) -> Step:
        """Return what follows ``cursor``, by our own headers; raise Undecided."""
        common = self._common()
        if common is None:
            raise Undecided
        if not self._chain.known(cursor.height):
            if cursor.height > self._chain.tip.height + LAG and common == self._chain.tip and self._is_fresh():
                return Back()
            raise Undecided  # peers may be a little behind those that we had before
        if self._chain.at(cursor.height) != cursor:
            if common.height < cursor.height:
                raise Undecided  # one peer alone shows another chain
            return Back()
        if common.height <= cursor.height:
            return None
        block = self._chain.at(cursor.height + 1)
        payments = await self._filters.payments(block.height, scripts)
        if not self._chain.known(block.height) or self._chain.at(block.height) != block:
            raise Undecided  # a heavier chain came meanwhile
        return Forward(block, payments)

    def _common(self) -> BlockRef | None:
        """Return the newest block that enough peers have."""
        height = self.pool.common_height(self._quorum)
        return None if height is None else self._chain.at(height)

    # Why there is no answer

    def _why_not_yet(self) -> ChainError | None:
        """Return what is missing before anything may be answered."""
        connected = len(self.pool.connected())
        if connected < self._quorum:
            if connected == 0 and self.pool.error:
                return self.pool.error
            return too_few(connected, self._quorum)
        height = self._chain.tip.height
        if self._chain.work < self._rules.minimum_work or self._is_short():
            return NodeWarmingUp(f"the light client fetches headers (block {height})", hint="Wait: nothing is lost.")
        if self._common() is None:
            return NodeWarmingUp(
                f"fewer than {self._quorum} peers have the chain with the most work (block {height})", hint=DISAGREE
            )
        return None

    def _why_not(self) -> ChainError:
        """After waiting for an answer in vain."""
        return self._why_not_yet() or NodeUnreachable(
            f"fewer than {self._quorum} peers answered, or they do not agree", hint=DISAGREE
        )

    def _warning(self, behind: bool) -> str:
        if behind:
            return f"fewer than {self._quorum} peers have block {self._chain.tip.height}, the newest with the most work"
        return "" if self._is_fresh() else "no block was found for two hours: are these peers cut off?"

    def _is_fresh(self) -> bool:
        """Return whether the newest block can be the network's newest, by the clock."""
        return not self._chain.is_stale(int(time.time()))

    def _is_short(self) -> bool:
        return self._chain.tip.height < self._rules.least_height(int(time.time()))

    def _below_base(self) -> ChainError:
        return NodeRefused(
            f"the light client knows no block below {self._rules.base.height}",
            hint="Use a node of your own (chain.source), or a later chain.watch_from.",
        )

    # News

    def _notice(self) -> None:
        """Wake whoever waits: something changed."""
        if self._chain.tip != self._seen:
            self._seen, self._grew_at = self._chain.tip, time.monotonic()
            if self._grew_at > self._saved_at + SAVE_SECONDS:
                self._saved_at = self._grew_at
                self._chain.save(self._file)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _until(self, ready: Callable[[], bool]) -> None:
        """Return when it is; raise ChainError at once when nobody can be asked."""
        while not ready():
            await self._news(self._changed)

    async def _news(self, changed: asyncio.Event) -> None:
        """Wait for a change; raise ChainError when nobody can be asked."""
        if self.pool.is_hopeless() and self.pool.error:
            raise self.pool.error
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await changed.wait()


@contextlib.asynccontextmanager
async def _patience(reason: Callable[[], ChainError], seconds: float = PATIENCE_SECONDS) -> AsyncIterator[None]:
    """Let no question wait for ever."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise reason() from None
