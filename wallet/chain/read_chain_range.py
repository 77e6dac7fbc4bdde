"""Reads a chain from a height to its newest block: what a rescan compares the ledger with.

:func:`lowest_elsewhere` says from where on it must be read: no block that the ledger has may be off the chain.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

from bitcache.chain_errors import ChainError, NodeWarmingUp
from bitcache.chain_types import Absent, BlockRef
from bitcache.errors import BadInput
from bitcache.rescan import ChainPayments
from wallet.chain.chain_source import Back, ChainSource, Forward, Scripts

T = TypeVar("T")

PATIENCE_SECONDS = 600.0
ASK_AGAIN_SECONDS = 1.0
ASKED_AT_ONCE = 50


async def lowest_elsewhere(source: ChainSource, blocks: Sequence[BlockRef]) -> int | None:
    """Return the lowest height at which the chain has another block than ``blocks`` (or none); None: all are on it.

    All are compared: what was changed by hand, or left by an older program, need not be the newest ones.
    """
    await _patiently(partial(_refuse_one_that_is_behind, source))
    tip = await _patiently(source.tip)
    for first in range(0, len(blocks), ASKED_AT_ONCE):
        part = [block for block in blocks[first : first + ASKED_AT_ONCE] if block.height <= tip.height]
        there = await asyncio.gather(*(_patiently(partial(source.at, block.height)) for block in part))
        for block, other in zip(part, there, strict=True):
            if block != other:
                return block.height
    return next((block.height for block in blocks if block.height > tip.height), None)


async def read_chain(
    source: ChainSource,
    height: int,
    scripts: Scripts,
    progress: Callable[[int, int], None] = lambda done, total: None,
    kept: Sequence[Absent] = (),
) -> ChainPayments:
    """Return every payment to ``scripts`` from the block at ``height`` on.

    Raise ChainError, and BadInput above the tip.

    A node that is starting or behind is waited for: what it does not know yet would look gone.

    ``kept``: transactions that may be in no block any more; those are named that something else has replaced.
    """
    await _patiently(partial(_refuse_one_that_is_behind, source))
    tip = await _patiently(source.tip)
    if not 1 <= height <= tip.height:
        raise BadInput(f"the chain has blocks 1 to {tip.height}", hint="Give a height among them.")
    first = await _patiently(partial(source.at, height - 1))
    chain = ChainPayments(first)
    while True:
        cursor = chain.blocks[-1] if chain.blocks else chain.first
        match await _patiently(partial(source.step, cursor, scripts)):
            case Forward(ref, payments):
                chain.forward(ref, payments)
                progress(ref.height - height + 1, max(tip.height, ref.height) - height + 1)
            case Back():
                if not chain.back():
                    raise ChainError("the chain was reorganised below the first block", hint="Begin at a lower height.")
            case None:
                chain.waiting = tuple(await source.unconfirmed(scripts))
                chain.sees_unconfirmed = source.sees_unconfirmed
                chain.conflicted = frozenset(await source.conflicted(kept))
                if await source.step(cursor, scripts) is None:
                    return chain


async def _refuse_one_that_is_behind(source: ChainSource) -> None:
    status = await source.status()
    if status.error is not None:
        raise status.error
    if not status.synced:
        raise NodeWarmingUp(f"the node has not caught up: block {status.height} of {status.headers}")


async def _patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask again, for a while, a node that starts or a light client that looks for its peers."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await ask()
        except NodeWarmingUp:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(ASK_AGAIN_SECONDS)
