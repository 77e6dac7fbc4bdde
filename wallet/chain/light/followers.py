"""The light clients at work, one for each account, and which of them may answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

import structlog

from bitcache.ledger import BlockRef
from wallet.chain.light.headers import Headers
from wallet.chain.light.node import Connecting, Following, LightNode
from wallet.chain.light.wallet import DEPTH, Changes

#: A client begins so many blocks below the cursor: a reorganisation less deep is followed without a new client.
ROOM = 8
#: A client that learned nothing for so long is replaced: it may be stuck, and a new one costs seconds.
STALL_SECONDS = 30 * 60
#: Followed while there is no account, so that the chain is: BIP341's point, to which nobody has the key.
NOBODY = "tr(50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0)"

log = structlog.get_logger("wallet.light")


class Followers:
    """Starts, replaces and ends clients, after ``use`` said how.  ``on_news`` is called in the event loop."""

    def __init__(self, network: str, lookahead: int, on_news: Callable[[LightNode, Changes], None]) -> None:
        self._network, self._lookahead = network, lookahead
        self._on_news = on_news
        self._connecting: Connecting
        #: by account, oldest first; the newest will take over as soon as it has caught up
        self._nodes: dict[str, list[LightNode]] = {}
        self._ending: list[LightNode] = []
        #: blocks that clients told of since headers were fetched last, whether these clients still run or not
        self._told: dict[int, str] = {}

    def use(self, connecting: Connecting) -> None:
        """Headers were just fetched; this is how clients that start from now on connect."""
        self._connecting = connecting
        self._told.clear()

    def follow(self, issued: Mapping[str, int], below: int | None, headers: Headers) -> list[LightNode] | None:
        """Follow every account, from ``below`` on if given; the clients to ask, once each looks at every index."""
        accounts = issued or {NOBODY: 0}
        for gone in self._nodes.keys() - accounts.keys():
            self._end(self._nodes.pop(gone))
        ready = [self._follow(account, count, below, headers) for account, count in accounts.items()]
        return None if None in ready else [node for node in ready if node]

    def synced(self) -> list[LightNode]:
        """The newest client of each account that has caught up once."""
        newest = (next((one for one in reversed(nodes) if one.synced), None) for nodes in self._nodes.values())
        return [node for node in newest if node]

    def all_synced(self) -> bool:
        """Whether every account has a client that caught up once."""
        return bool(self._nodes) and len(self.synced()) == len(self._nodes)

    def any_synced(self) -> bool:
        """Whether there is a client to ask about the chain."""
        return bool(self.synced())

    def hash_at(self, height: int) -> str | None:
        """The block at ``height``, if a client knows it, or knew it."""
        found = (node.chain.get(height) for node in self.synced())
        return next(filter(None, found), None) or self._told.get(height)

    def peers(self) -> int:
        """To how many peers the worst connected client is connected."""
        return min((node.peers for node in self.synced()), default=0)

    def percent(self) -> float:
        """How far the slowest client is."""
        return min((nodes[-1].percent for nodes in self._nodes.values() if nodes), default=0.0)

    async def close(self, timeout: float) -> None:
        """End all, in ``timeout`` seconds at the latest; what still computes then is left behind."""
        for nodes in self._nodes.values():
            self._end(nodes)
        self._nodes.clear()
        deadline = time.monotonic() + timeout
        for node in self._ending:
            await asyncio.to_thread(node.join, max(0.0, deadline - time.monotonic()))
        self._ending.clear()

    def _follow(self, account: str, issued: int, below: int | None, headers: Headers) -> LightNode | None:
        nodes = self._nodes.setdefault(account, [])
        self._retire(nodes)
        newest = nodes[-1] if nodes else None
        if (
            newest is None
            or newest.is_stalled(STALL_SECONDS)
            or not newest.serves(issued + self._lookahead // 2, below)
        ):
            if newest and not newest.synced:
                self._end([nodes.pop()])
            nodes.append(self._start(account, issued, below, headers))
        return next((one for one in reversed(nodes) if one.synced and one.serves(issued, below)), None)

    def _retire(self, nodes: list[LightNode]) -> None:
        """Without those that failed, and those before one that has caught up."""
        last = max((place for place, one in enumerate(nodes) if one.synced), default=0)
        gone = [one for place, one in enumerate(nodes) if one.failed or place < last]
        nodes[:] = [one for one in nodes if one not in gone]
        self._end(gone)

    def _start(self, account: str, issued: int, below: int | None, headers: Headers) -> LightNode:
        blocks = self._blocks(below, headers)
        node = LightNode(
            Following(account, self._network, issued, self._lookahead, blocks), self._connecting, self._hear
        )
        node.start()
        log.debug("light_client_started", after=blocks[-1].height, issued=issued)
        return node

    def _blocks(self, below: int | None, headers: Headers) -> tuple[BlockRef, ...]:
        """A row of blocks to begin at the end of, well below ``below`` and the tip."""
        base, top = headers.base.height, max([headers.tip.height, *(node.tip for node in self.synced())])
        for end in (top if below is None else min(below, top), headers.tip.height):
            last = max(base, end - ROOM)
            found = [self._block(height, headers) for height in range(max(base, last - DEPTH), last + 1)]
            if None not in found:
                break
        return tuple(one for one in found if one)

    def _block(self, height: int, headers: Headers) -> BlockRef | None:
        if digest := self.hash_at(height):
            return BlockRef(height, digest)
        return headers.at(height) if headers.known(height) else None

    def _hear(self, node: LightNode, changes: Changes) -> None:
        for height, digest in changes.chain:
            if digest is None:
                self._told.pop(height, None)
            else:
                self._told[height] = digest
        self._on_news(node, changes)

    def _end(self, nodes: list[LightNode]) -> None:
        self._ending = [one for one in self._ending if not one.join(0)]
        for node in nodes:
            node.end()
            self._ending.append(node)
