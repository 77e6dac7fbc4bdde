"""Reads a chain from a height to its newest block: what a rescan compares the ledger with."""

from __future__ import annotations

from collections.abc import Callable

from bitcache.errors import BadInput, ChainError
from bitcache.rescan import Found
from wallet.chain.base import Back, ChainSource, Forward, Scripts


async def read_chain(
    source: ChainSource,
    height: int,
    scripts: Scripts,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Found:
    """Every payment to ``scripts`` from the block at ``height`` on; raises ChainError, and BadInput above the tip."""
    tip = await source.tip()
    if not 1 <= height <= tip.height:
        raise BadInput(f"the chain has blocks 1 to {tip.height}", hint="Give a height among them.")
    found = Found(await source.at(height - 1), sees_unconfirmed=source.sees_unconfirmed)
    while True:
        cursor = found.blocks[-1] if found.blocks else found.first
        match await source.step(cursor, scripts):
            case Forward(ref, payments):
                found.forward(ref, payments)
                progress(ref.height - height + 1, max(tip.height, ref.height) - height + 1)
            case Back():
                if not found.back():
                    raise ChainError("the chain was reorganised below the first block", hint="Begin at a lower height.")
            case None:
                found.waiting = tuple(await source.unconfirmed(scripts))
                if await source.step(cursor, scripts) is None:
                    return found
