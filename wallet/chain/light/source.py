"""A chain source without a node of one's own: compact block filters (BIP157, BIP158).

Nobody learns an address: filters of every block are fetched, and whole blocks where one matches.  The
price is that payments are seen only when they are in a block.  See docs/light-client.md.

One client of the Bitcoin Dev Kit follows each account (:mod:`wallet.chain.light.node`), because it
knows descriptors, not scripts.  Three rules make the answers lossless:

* Nothing is remembered.  A client begins at the ledger's cursor, or below, so what came while we were
  away, or was only half processed, is looked at again.
* Before every step the accounts are read afresh, and only clients that look at every index issued by
  then may answer.  An address is committed before it is shown, so before it can be paid.
* A client that fails in any way is thrown away and another begins at the cursor.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import structlog

from bitcache.errors import ChainError, NodeRefused, NodeWarmingUp
from bitcache.ledger import BlockRef, Payment
from wallet.chain.base import Back, ChainStatus, Scripts, Step
from wallet.chain.light.answer import Undecided, answer, common_tip
from wallet.chain.light.followers import ROOM, Followers
from wallet.chain.light.footing import Footing
from wallet.chain.light.node import LightNode
from wallet.chain.light.peers import Peers
from wallet.chain.light.wallet import DEPTH, Changes

#: How long a question waits for the client before it fails, to be asked again.
PATIENCE_SECONDS = 20.0
STATUS_SECONDS = 2.0
CLOSE_SECONDS = 5.0
#: Peers may be a few blocks behind those that we had before; so many at most.
LAG = 6
#: Without a block for so long the peers are taken to be behind.
STALE_SECONDS = 2 * 60 * 60
LOOKAHEAD = 500

#: Every account from which addresses were issued, with its next index.
Accounts = Callable[[], Awaitable[Mapping[str, int]]]

log = structlog.get_logger("wallet.light")


class LightSource:
    """Follows ``network`` by compact block filters, for the accounts that ``accounts`` names."""

    sees_unconfirmed = False
    name = "compact block filters"

    def __init__(
        self,
        network: str,
        accounts: Accounts,
        folder: Path,
        *,
        peers: Sequence[str] = (),
        connections: int = 2,
        proxy: str | None = None,
        lookahead: int = LOOKAHEAD,
    ) -> None:
        """``peers``: ``host:port`` of those to use, and no others.  Raises InvalidSettings."""
        self.network = network
        self._accounts = accounts
        self._footing = Footing(Peers(network, peers, connections, proxy), folder / network)
        self._headers = self._footing.headers
        self._followers = Followers(network, lookahead, self._on_news)
        self._changed = asyncio.Event()
        self._version = self._used = 0
        self._told: set[str] = set()
        self._highest, self._grew_at = 0, 0  # the highest block any client told of, and when

    async def open(self) -> None:
        """Remember the headers; the first question connects."""
        await self._footing.load()

    async def close(self) -> None:
        """End every client, or leave it behind after a few seconds."""
        await self._footing.close()
        await self._followers.close(CLOSE_SECONDS)

    async def status(self) -> ChainStatus:
        """How the client is; hardly waits for it."""
        try:
            async with _patience(self._why_not_yet, STATUS_SECONDS):
                await self._begin()
        except ChainError as error:
            return ChainStatus(False, self.network, self._height(), self._height(), error=error, peers=0)
        peers, height = self._followers.peers(), self._height()
        heard = self._followers.all_synced()
        return ChainStatus(
            reachable=True,
            network=self.network,
            height=height,
            headers=max(height, self._headers.tip.height),
            synced=heard and peers > 0 and common_tip(self._followers.synced()) is not None and self._is_fresh(),
            warning="not connected to any peer right now" if heard and not peers else "",
            peers=peers,
            tip_time=max(self._grew_at, self._headers.tip_time) or None,
        )

    async def tip(self) -> BlockRef:
        """The newest block that every client has; until there is one, the newest header."""
        async with _patience(self._why_not_yet):
            while True:
                changed = self._changed
                await self._connect()
                if not self._followers.any_synced():
                    return self._headers.tip
                if tip := common_tip(self._followers.synced()):
                    return tip
                await changed.wait()

    async def at(self, height: int) -> BlockRef:
        """The block at ``height``."""
        await self._connect()
        digest = self._followers.hash_at(height)
        if digest is None and self._headers.known(height):
            return self._headers.at(height)
        if digest is None:
            raise self._below_base() if height < self._headers.base.height else NodeWarmingUp("no such block yet")
        return BlockRef(height, digest)

    async def step(self, cursor: BlockRef, scripts: Scripts) -> Step:
        """What follows ``cursor``; the accounts are read before, so that no index is overlooked."""
        if self._headers.base.height and cursor.height < self._headers.base.height + ROOM + DEPTH:
            raise self._below_base()
        async with _patience(self._why_not_yet):
            while True:
                changed, version = self._changed, self._version
                await self._connect()
                issued = await self._accounts()
                if version != self._version:
                    continue  # a block arrived while we read: an address in it may have been issued since
                if not self._followers.any_synced() and self._footing.is_elsewhere(cursor):
                    return Back()
                nodes = self._follow(issued, cursor)
                if nodes:
                    try:
                        return answer(cursor, nodes, scripts, self._surely_below())
                    except Undecided:
                        pass
                await changed.wait()

    async def unconfirmed(self, scripts: Scripts) -> list[Payment]:
        """Nothing: filters are of blocks."""
        return []

    async def wait(self, timeout: float) -> None:
        """Return when a block may have arrived, or after ``timeout`` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while not self._has_news():
                    changed = self._changed
                    with contextlib.suppress(ChainError):
                        await self._begin()  # one that failed is replaced here
                    await changed.wait()

    def _has_news(self) -> bool:
        """Whether a client is at another block than when this was asked before."""
        tips = {node.chain[node.tip] for node in self._followers.synced()}
        before, self._told = self._told, tips or self._told
        return bool(tips) and tips != before

    # Following

    async def _begin(self) -> None:
        """See that clients are at work, wherever they begin."""
        await self._connect()
        self._follow(await self._accounts(), None)

    def _follow(self, issued: Mapping[str, int], cursor: BlockRef | None) -> list[LightNode] | None:
        """See that every account is followed from the cursor on; the clients that may answer, if all may."""
        return self._followers.follow(issued, cursor.height if cursor else None, self._headers)

    async def _connect(self) -> None:
        """Know peers and headers, since the last client failed."""
        await self._footing.firm()
        if self._footing.fetched != self._used:
            self._used = self._footing.fetched
            self._followers.use(self._footing.connecting)
            self._highest = max(self._highest, self._headers.tip.height)

    def _on_news(self, node: LightNode, changes: Changes) -> None:
        """Called in the event loop when a client has an update, or failed."""
        if node.failed:
            self._footing.lost()
        if node.tip > self._highest:
            self._highest, self._grew_at = node.tip, int(time.time())
        self._footing.replaced(changes)
        self._version += 1
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _is_fresh(self) -> bool:
        """Whether the newest block is the network's newest, as far as one can tell."""
        if self.network == "regtest":  # blocks come on command there
            return True
        return time.time() - max(self._grew_at, self._headers.tip_time) < STALE_SECONDS

    def _surely_below(self) -> float:
        """No block above this is in the chain.  One just above the tip may be, if peers are a little behind."""
        return max(self._height(), self._headers.tip.height) + LAG if self._is_fresh() else math.inf

    def _height(self) -> int:
        nodes = self._followers.synced()
        return min(node.tip for node in nodes) if nodes else self._headers.tip.height

    def _why_not_yet(self) -> ChainError:
        percent = self._followers.percent()
        syncing = NodeWarmingUp(f"the light client is syncing ({percent:.0f} %)", hint="Wait: nothing is lost.")
        return self._footing.error or syncing

    def _below_base(self) -> ChainError:
        return NodeRefused(
            f"the light client knows no block below {self._headers.base.height}",
            hint="Use a node of your own (chain.source), or a later chain.watch_from.",
        )


@contextlib.asynccontextmanager
async def _patience(reason: Callable[[], ChainError], seconds: float = PATIENCE_SECONDS) -> AsyncIterator[None]:
    """No question waits for ever."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise reason() from None
