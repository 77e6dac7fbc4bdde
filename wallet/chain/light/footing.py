"""What a light client starts from: peers that answer, and headers that are in the chain now.

Fetched at the first question, and again after a client failed.  Whoever asks shares one attempt,
which goes on when an asker gives up.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from bitcache.errors import ChainError
from bitcache.ledger import BlockRef
from wallet.chain.light.headers import Headers
from wallet.chain.light.node import Connecting
from wallet.chain.light.peers import Peers
from wallet.chain.light.wallet import Changes

RETRY_SECONDS = 1.0
#: A peer that keeps a client waiting longer is left.
RESPONSE_SECONDS = {"direct": 5.0, "proxy": 30.0, "regtest": 1.0}


class Footing:
    """Headers, and how to connect.  ``fetched`` counts how often they were renewed; ``error`` says why not."""

    def __init__(self, peers: Peers, folder: Path) -> None:
        self.headers = Headers(peers.network)
        self.connecting = Connecting(folder / "client", peers.wanted)
        self.fetched = 0
        self._peers = peers
        self._file = folder / "headers.dat"
        self._firm = False
        self._attempt: asyncio.Task[None] | None = None
        self._began_at = -RETRY_SECONDS
        self.error: ChainError | None = None

    async def load(self) -> None:
        """Remember the headers of last time."""
        await asyncio.to_thread(self.headers.load, self._file)

    async def close(self) -> None:
        """Give up an attempt that is under way."""
        if self._attempt:
            self._attempt.cancel()
            await asyncio.gather(self._attempt, return_exceptions=True)

    async def firm(self) -> None:
        """Return when peers and headers are at hand; raises ChainError when there are none."""
        if self._firm:
            return
        if self.error and time.monotonic() < self._began_at + RETRY_SECONDS:
            raise self.error
        if self._attempt is None or self._attempt.done():
            self._attempt = asyncio.create_task(self._fetch(), name="light-footing")
        await asyncio.shield(self._attempt)

    def lost(self) -> None:
        """A client failed: look again before another starts."""
        self._firm = False

    def replaced(self, changes: Changes) -> None:
        """Forget headers that a client saw replaced: they must not say Back after it failed."""
        for height, digest in changes.chain:
            if self.headers.known(height) and self.headers.at(height).hash != digest:
                self.headers.cut(height)
                self.headers.save(self._file)
                return

    def is_elsewhere(self, block: BlockRef) -> bool:
        """Whether the chain has another block there, which headers alone tell."""
        return self.headers.known(block.height) and self.headers.at(block.height) != block

    async def _fetch(self) -> None:
        await asyncio.sleep(max(0.0, self._began_at + RETRY_SECONDS - time.monotonic()))
        self._began_at = time.monotonic()
        try:
            found = await self._peers.bring(self.headers)
        except ChainError as error:
            self.error = error
            raise
        only, proxy = bool(self._peers.configured), self._peers.proxy
        wanted = min(len(found), self._peers.wanted) if only else self._peers.wanted
        way = "regtest" if self._peers.network == "regtest" else "proxy" if proxy else "direct"
        self.connecting = Connecting(self.connecting.folder, wanted, found, only, proxy, RESPONSE_SECONDS[way])
        await asyncio.to_thread(self.headers.save, self._file)
        self.fetched += 1
        self._firm, self.error = True, None
