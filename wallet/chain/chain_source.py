"""The port between the watcher and a chain, in the watcher's words.

A source answers one question again and again: given the last block I processed, what is next?  It
matches outputs itself, so a light client that never sees most blocks fits as well as a full node.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from bitcache.chain_errors import ChainError
from bitcache.chain_types import Absent, BlockRef, Payment
from bitcache.money import Sat

#: Output scripts of ours.  A set that grows while it is being read.
Scripts = Collection[bytes]

#: A coinbase can be spent, and so counts, after this many confirmations.
COINBASE_MATURITY = 100


@dataclass(frozen=True, slots=True)
class Forward:
    """The block after the cursor, with every payment to our scripts in it."""

    block: BlockRef
    payments: tuple[Payment, ...]


@dataclass(frozen=True, slots=True)
class Back:
    """The cursor's block is not in the chain (any more): undo it and ask again."""


#: None: the cursor is the newest block.
Step = Forward | Back | None


@dataclass(frozen=True, slots=True)
class ChainStatus:
    """How the source is, for health pages.  ``synced``: its newest block is the network's newest.

    ``peers``: how many others it talks to, if it is one that counts them.  ``tip_time``: what the newest block says.
    """

    reachable: bool
    network: str
    height: int = 0
    headers: int = 0
    synced: bool = False
    version: str = ""
    warning: str = ""
    error: ChainError | None = None
    peers: int | None = None
    tip_time: int | None = None


class ChainSource(Protocol):
    """Something that follows a Bitcoin chain.  Everything but ``status`` raises ChainError when it cannot answer."""

    network: str
    #: whether payments are seen before they are in a block; a node may begin or cease to allow it
    sees_unconfirmed: bool

    @property
    def name(self) -> str:
        """What people call it, for example ``bitcoind 29.4.2``."""
        ...

    async def open(self) -> None:
        """Begin.  Succeeds when the other side is down: the first question says so."""
        ...

    async def close(self) -> None:
        """End, in bounded time."""
        ...

    async def status(self) -> ChainStatus:
        """Return how it is; never raise ChainError."""
        ...

    async def tip(self) -> BlockRef:
        """Return the newest block."""
        ...

    async def at(self, height: int) -> BlockRef:
        """Return the block of the chain at ``height``, which is not above the tip."""
        ...

    async def step(self, cursor: BlockRef, scripts: Scripts) -> Step:
        """Return what follows ``cursor``."""
        ...

    async def unconfirmed(self, scripts: Scripts) -> list[Payment]:
        """Return everything of ours that waits for a block right now."""
        ...

    async def offer(self, transactions: Sequence[bytes]) -> None:
        """Hand raw transactions to the network again, ancestors first; that it refuses them is no error."""
        ...

    async def conflicted(self, absent: Sequence[Absent]) -> set[str]:
        """Return the ids of those that can never be in a block, because something else spends what they spend.

        Only what was seen counts: a source that cannot tell names none.
        """
        ...

    async def fee_rate(self) -> int | None:
        """Return what a transaction pays that is to be in one of the next six blocks, in satoshis per 1000 vbytes.

        None: it is not known here.
        """
        ...

    async def wait(self, timeout: float) -> None:
        """Return when a block or a payment may have arrived, at the latest after ``timeout`` seconds."""
        ...


class DemoWallet(Protocol):
    """Coins without value and blocks on command: what a demonstration pays with."""

    async def pay(self, address: str, amount: Sat) -> str:
        """Send; returns the transaction id."""
        ...

    async def mine(self, blocks: int = 1) -> None:
        """Find blocks that hold what was sent."""
        ...
