"""Connections to several peers, kept up; their headers, fetched into our own chain whenever one tells of a block."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable

import structlog

from bitcache.chain_errors import ChainError, NodeUnreachable, PeerMisbehaved
from wallet.chain.light.dial_peer import PeerAddress
from wallet.chain.light.header_chain import Branch, HeaderChain
from wallet.chain.light.peer_connection import PeerConnection
from wallet.chain.light.peer_discovery import Peers, neighbourhood
from wallet.chain.light.peer_records import PeerRecords

TICK_SECONDS = 0.25
#: Peers are looked for again when those known are used up, but not more often than this.
LOOK_AGAIN_SECONDS = 2.0
#: A peer that tells of nothing is asked for headers all the same.
ASK_SECONDS = 60.0
#: No peer makes us ask it for headers more often than this.
PAUSE_SECONDS = 0.05
#: A peer may change so often, while its headers are fetched, to others that do not follow those it sent before.
MOST_CHANGES_OF_BRANCH = 10
#: While the newest block is too old to be the network's, one peer is replaced so often.
REPLACE_SECONDS = 600.0

log = structlog.get_logger("wallet.light")


class PeerPool:
    """Dials, replaces and drops peers.  ``on_change`` is called in the event loop when anything may have changed."""

    def __init__(self, peers: Peers, chain: HeaderChain, on_change: Callable[[], None]) -> None:
        self.records = PeerRecords()
        self.error: ChainError | None = None
        self._peers, self._chain, self._on_change = peers, chain, on_change
        self._connected: dict[PeerAddress, PeerConnection] = {}
        self._attending: dict[PeerAddress, asyncio.Task[None]] = {}
        self.candidates: list[PeerAddress] = []
        self._looked_at = -LOOK_AGAIN_SECONDS
        self._keeping: asyncio.Task[None] | None = None
        self._tip, self._tip_since = chain.tip, time.monotonic()

    def start(self) -> None:
        """Begin, in the running event loop."""
        self._keeping = asyncio.create_task(self._keep(), name="light-peers")

    async def close(self) -> None:
        """Hang up on everybody."""
        tasks = [self._keeping, *self._attending.values()] if self._keeping else []
        for task in tasks:
            if task:
                task.cancel()
        await asyncio.gather(*(task for task in tasks if task), return_exceptions=True)

    def connected(self) -> list[PeerConnection]:
        """Return every peer that is connected."""
        return [peer for peer in self._connected.values() if peer.is_usable]

    def is_hopeless(self) -> bool:
        """Return whether nobody is connected, or being dialled, since the last attempt failed."""
        return self.error is not None and not self._attending

    def having(self, height: int) -> list[PeerConnection]:
        """Return those that showed to have our chain up to ``height`` or further."""
        heights = ((peer, self._height(peer)) for peer in self.connected())
        return [peer for peer, newest in heights if newest is not None and newest >= height]

    def common_height(self, count: int) -> int | None:
        """Return the newest block of our chain that at least ``count`` peers have."""
        heights = sorted(newest for peer in self.connected() if (newest := self._height(peer)) is not None)
        return heights[-count] if len(heights) >= count else None

    def drop(self, peer: PeerConnection, reason: ChainError) -> None:
        """Hang up on a peer, and remember it if it lied."""
        peer.fail(reason)

    def _height(self, peer: PeerConnection) -> int | None:
        return self._chain.height_of(peer.newest)

    # Keeping connections

    async def _keep(self) -> None:
        while True:
            try:
                await self._dial_missing()
                self._replace_one(time.monotonic(), int(time.time()))
            except ChainError as error:
                self._failed(error)
            except Exception:  # whatever one peer did, the others are needed
                log.exception("light_peers_failed")
            await asyncio.sleep(TICK_SECONDS)

    async def _dial_missing(self) -> None:
        missing = self._peers.most - len(self._attending)
        if missing <= 0:
            return
        choice = self._choice()
        if len(choice) < missing and time.monotonic() > self._looked_at + LOOK_AGAIN_SECONDS:
            self._looked_at = time.monotonic()
            self.candidates = await self._peers.candidates()
            choice = self._choice()
        for address in choice[:missing]:
            self._attending[address] = asyncio.create_task(self._attend(address), name=f"light-{address}")

    def _replace_one(self, moment: float, now: int) -> None:
        """Leave a peer for another one, when nobody has shown a block for long; ``now`` in Unix seconds.

        Whoever controls every peer can hide new blocks for as long as they stay (Bitcoin Core tries others, too).
        """
        if self._chain.tip != self._tip:
            self._tip, self._tip_since = self._chain.tip, moment
        if moment < self._tip_since + REPLACE_SECONDS or not self._chain.is_stale(now):
            return
        connected = self.connected()
        if len(connected) >= self._peers.most and self._choice():
            self._tip_since = moment
            self.drop(secrets.choice(connected), NodeUnreachable("the peers show no new block: another one is tried"))

    def _choice(self) -> list[PeerAddress]:
        """Whom to dial, the most promising first; of those that nobody named, one of each neighbourhood."""
        fresh = [address for address in self.candidates if address not in self._attending]
        usable = self.records.to_dial(fresh)
        if self._peers.configured:
            return usable
        taken = {neighbourhood(address) for address in self._attending}
        addresses: list[PeerAddress] = []
        for address in usable:
            if (place := neighbourhood(address)) not in taken:
                taken.add(place)
                addresses.append(address)
        return addresses

    async def _attend(self, address: PeerAddress) -> None:
        """Do everything with one peer, until it fails."""
        peer: PeerConnection | None = None
        try:
            peer = await self._peers.connect(address)
            self._connected[address] = peer
            await self._follow(peer)
        except PeerMisbehaved as error:
            log.warning("peer_misbehaved", peer=str(address), reason=str(error))
            self.records.misbehaved(address)
            self._failed(error)
        except ChainError as error:
            log.info("peer_unusable", peer=str(address), reason=str(error))
            self.records.failed(address)
            self._failed(error)
        except Exception:
            log.exception("peer_failed", peer=str(address))
            self.records.failed(address)
        finally:
            self._connected.pop(address, None)
            if peer:
                await peer.close()
            self._attending.pop(address, None)
            self._on_change()

    def _failed(self, error: ChainError) -> None:
        self.error = error
        self._on_change()

    # Headers

    async def _follow(self, peer: PeerConnection) -> None:
        """Fetch headers at once and whenever the peer tells of something."""
        while True:
            peer.announced.clear()
            await self._fetch_headers(peer)
            self.records.worked(peer.address)
            self._on_change()
            await asyncio.sleep(PAUSE_SECONDS)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ASK_SECONDS):
                    await peer.announced.wait()
            peer.check()

    async def _fetch_headers(self, peer: PeerConnection) -> None:
        """Fetch every header that the peer has and we have not, into our chain if that makes it heavier.

        Asked for from one block below our newest, because a peer that has that answers with it.
        Raise PeerMisbehaved when it keeps showing other branches, none of them heavier than our chain.
        """
        branch: Branch | None = None
        last: bytes | None = None
        changes = 0
        locator = self._chain.locator(1)
        while batch := await peer.headers(locator):
            if branch and branch.is_attached() and batch[0][4:36] != branch.tip:
                changes += 1
                if changes > MOST_CHANGES_OF_BRANCH:
                    raise PeerMisbehaved("the peer shows one chain and then another, again and again")
            if branch is None or not branch.is_attached() or batch[0][4:36] != branch.tip:
                branch = self._chain.branch(batch[0][4:36])
            branch.add(batch, int(time.time()))
            if branch.tip == last:
                return
            peer.newest = last = branch.tip
            if self._chain.adopt(branch):
                log.debug("headers_extended", height=self._chain.tip.height)
                self._on_change()
                branch = None
            locator = [peer.newest, *self._chain.locator()]
        if peer.newest is None and self._chain.tip == self._chain.at(self._chain.rules.base.height):
            peer.newest = self._chain.digest(self._chain.tip.height)  # nobody has more than the base


def too_few(connected: int, wanted: int) -> NodeUnreachable:
    """Return why nothing is answered while fewer peers are there than must agree."""
    return NodeUnreachable(
        f"only {connected} of the {wanted} peers that must agree can be asked",
        hint="Wait for others to answer, name more in chain.light_peers, or run a node of your own.",
    )
