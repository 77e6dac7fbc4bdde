"""The mempool as a node lists it: what is not in the list does not wait, and an unread one has lost nothing."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from bitcache.chain_errors import NodeWarmingUp
from wallet.block_outputs import transaction_id
from wallet.chain.mempool_payments import Mempool

SCRIPT = b"\x00\x14" + b"\x11" * 20


def transaction(number: int, script: bytes = SCRIPT) -> bytes:
    """One input, one output of 1 000 sat."""
    spent = bytes([number]) * 32 + struct.pack("<I", 0) + b"\x00" + b"\xff" * 4
    paid = struct.pack("<Q", 1_000) + bytes([len(script)]) + script
    return struct.pack("<i", 2) + b"\x01" + spent + b"\x01" + paid + bytes(4)


class Node:
    """Answers batches as a node does; ``meanwhile`` happens while a transaction is fetched."""

    def __init__(self, *listed: bytes) -> None:
        self.listed = {transaction_id(raw): raw for raw in listed}
        self.info: dict[str, Any] = {"loaded": True}
        self.heard: list[bytes] = []
        self.mempool: Mempool | None = None

    async def batch(self, calls: list[tuple[str, ...]]) -> list[Any]:
        if calls[0][0] == "getrawmempool":
            return [list(self.listed), self.info]
        for raw in self.heard:
            assert self.mempool is not None
            self.mempool.add(raw)
        return [self.listed[txid].hex() for _, txid in calls]


def mempool_of(node: Node) -> Mempool:
    node.mempool = Mempool(node)  # type: ignore[arg-type]
    return node.mempool


async def test_what_arrives_during_a_reading_waits_for_the_next() -> None:
    """It may be of a block that was just undone: only what the node lists waits for a block."""
    listed, heard = transaction(1), transaction(2)
    there = Node(listed)
    there.heard = [heard]
    mempool, scripts = mempool_of(there), {SCRIPT: None}
    first = await mempool.payments(scripts)
    assert [payment.reference for payment in first] == [f"{transaction_id(listed)}:0"]
    there.heard, there.listed[transaction_id(heard)] = [], heard
    assert len(await mempool.payments(scripts)) == 2


async def test_what_left_the_mempool_is_forgotten_and_found_again_when_it_comes_back() -> None:
    """A block took it, and was undone; and nobody can make us remember what waits no more."""
    came_back, *others = [transaction(number) for number in range(50)]
    node = Node(came_back, *others)
    mempool, scripts = mempool_of(node), {SCRIPT: None}
    assert len(await mempool.payments(scripts)) == 50
    listed, node.listed = node.listed, {}
    assert await mempool.payments(scripts) == []
    assert mempool.remembered == 0
    txid = transaction_id(came_back)
    node.listed = {txid: listed[txid]}
    assert [payment.reference for payment in await mempool.payments(scripts)] == [f"{txid}:0"]
    assert mempool.remembered == 1


async def test_a_node_that_still_reads_its_mempool_has_lost_nothing() -> None:
    """After a restart the list grows for a while: a payment that is not in it yet was not withdrawn."""
    node = Node(transaction(1))
    mempool, scripts = mempool_of(node), {SCRIPT: None}
    node.info = {"loaded": False}
    with pytest.raises(NodeWarmingUp):
        await mempool.payments(scripts)
    node.info = {}  # an old node, which does not say
    assert len(await mempool.payments(scripts)) == 1
