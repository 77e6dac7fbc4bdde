"""What follows a block, by the word of several light clients that need not be equally far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bitcache.ledger import BlockRef, Payment
from wallet.blocks import payments_in_transaction
from wallet.chain.base import COINBASE_MATURITY, Back, Forward, Scripts, Step
from wallet.chain.light.node import LightNode


class Undecided(Exception):
    """They do not agree yet."""


def answer(cursor: BlockRef, nodes: Sequence[LightNode], scripts: Scripts, surely_below: float) -> Step:
    """What follows ``cursor``; raises Undecided.  Nothing above height ``surely_below`` is in the chain."""
    here = {node.chain.get(cursor.height) for node in nodes}
    if here == {cursor.hash}:
        return _after(cursor, nodes, scripts)
    if cursor.hash in here or (None in here and cursor.height <= surely_below):
        raise Undecided
    return Back()


def common_tip(nodes: Sequence[LightNode]) -> BlockRef | None:
    """The newest block, if all have the same."""
    tips = {BlockRef(node.tip, node.chain[node.tip]) for node in nodes}
    return tips.pop() if len(tips) == 1 else None


def _after(cursor: BlockRef, nodes: Sequence[LightNode], scripts: Scripts) -> Step:
    """A client tells of a block when it has looked into it, so what they found is all there is."""
    after = {node.chain.get(cursor.height + 1) for node in nodes}
    if len(after) > 1:
        raise Undecided
    digest = after.pop()
    return Forward(BlockRef(cursor.height + 1, digest), _payments(digest, nodes, scripts)) if digest else None


def _payments(digest: str, nodes: Sequence[LightNode], scripts: Scripts) -> tuple[Payment, ...]:
    """What a block pays to ``scripts``; a transaction may pay two accounts, and counts once."""
    found: dict[str, Payment] = {}
    for node in nodes:
        for one in node.found.get(digest, ()):
            for payment in payments_in_transaction(one.raw, scripts):
                maturity = COINBASE_MATURITY if one.coinbase else 0
                found[payment.reference] = replace(payment, maturity=maturity)
    return tuple(found.values())
