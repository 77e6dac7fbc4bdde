"""One block ahead while catching up, and never a wrong word about the chain."""

from __future__ import annotations

import asyncio

import pytest

from bitcache.chain_errors import NodeUnreachable
from bitcache.chain_types import BlockRef
from wallet.chain.block_prefetch import BlockPrefetch, PrefetchedBlock
from wallet.chain.chain_source import Back


def ref(height: int, chain: str = "a") -> BlockRef:
    return BlockRef(height, f"{chain}{height}")


class Node:
    """A chain that grows on command, and notes what it was asked."""

    def __init__(self, tip: int) -> None:
        self.tip, self.chain = tip, "a"
        self.asked: list[int] = []
        self.gone = False

    async def fetch(self, cursor: BlockRef) -> PrefetchedBlock | Back | None:
        self.asked.append(cursor.height)
        if self.gone:
            raise NodeUnreachable
        if cursor != ref(cursor.height, self.chain):
            return Back()
        if cursor.height == self.tip:
            return None
        return PrefetchedBlock(ref(cursor.height + 1, self.chain), b"", more=cursor.height + 1 < self.tip)


async def test_each_block_is_asked_for_once_and_one_ahead() -> None:
    """In order; while one is looked at, the next is read, and none after the newest."""
    node = Node(tip=4)
    ahead = BlockPrefetch(node.fetch)
    for height in range(4):
        prefetched = await ahead.after(ref(height))
        assert isinstance(prefetched, PrefetchedBlock)
        assert prefetched.block == ref(height + 1)
        await asyncio.sleep(0)
        assert node.asked[-1] == min(height + 1, 3)
    assert node.asked == [0, 1, 2, 3]
    assert await ahead.after(ref(4)) is None


async def test_at_the_newest_block_every_question_is_asked_anew() -> None:
    """That there was nothing is never remembered."""
    node = Node(tip=1)
    ahead = BlockPrefetch(node.fetch)
    await ahead.after(ref(0))
    assert await ahead.after(ref(1)) is None
    node.tip = 2
    assert isinstance(await ahead.after(ref(1)), PrefetchedBlock)
    assert node.asked == [0, 1, 1]


async def test_another_cursor_throws_away_what_was_read() -> None:
    """The write failed, and the same block is asked for again."""
    node = Node(tip=9)
    ahead = BlockPrefetch(node.fetch)
    await ahead.after(ref(0))
    prefetched = await ahead.after(ref(0))
    assert isinstance(prefetched, PrefetchedBlock)
    assert prefetched.block == ref(1)


async def test_back_is_asked_again_before_it_is_believed() -> None:
    """A reorganisation while it was read ahead: only what holds now is said."""
    node = Node(tip=9)
    ahead = BlockPrefetch(node.fetch)
    await ahead.after(ref(0))
    node.chain = "b"
    await asyncio.sleep(0)
    node.chain = "a"
    assert isinstance(await ahead.after(ref(1)), PrefetchedBlock)
    assert node.asked == [0, 1, 1, 2][: len(node.asked)]


async def test_a_failure_is_asked_again_before_it_is_believed() -> None:
    """The node was away while the next block was read; closing forgets what is under way."""
    node = Node(tip=9)
    ahead = BlockPrefetch(node.fetch)
    await ahead.after(ref(0))
    node.gone = True
    await asyncio.sleep(0)
    with pytest.raises(NodeUnreachable):
        await ahead.after(ref(1))
    node.gone = False
    assert isinstance(await ahead.after(ref(1)), PrefetchedBlock)
    node.gone = True
    await asyncio.sleep(0)
    node.gone = False
    assert isinstance(await ahead.after(ref(2)), PrefetchedBlock)
    await ahead.close()
    assert isinstance(await ahead.after(ref(3)), PrefetchedBlock)
    await ahead.close()
