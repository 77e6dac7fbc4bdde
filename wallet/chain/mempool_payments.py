"""What of ours waits for a block in a node's mempool.

The node's list of transaction ids is the truth, read anew each time: what left it is gone, what is
new in it is fetched and scanned.  ZMQ's ``rawtx`` only saves the fetching and wakes the watcher
early; after a gap in its counters, or without it, the next reading finds everything all the same.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from itertools import islice

import zmq
import zmq.asyncio

from bitcache.chain_errors import ChainError, NodeWarmingUp
from bitcache.chain_types import Payment
from wallet.block_outputs import payments_in_transaction, spent_by, transaction_id
from wallet.chain import node_answers
from wallet.chain.chain_source import Scripts
from wallet.chain.node_rpc import NodeRpc

FETCH_AT_ONCE = 200
#: Nodes take transactions with up to 25 unconfirmed ones before them; some allow more.
MOST_ANCESTORS = 100


class Mempool:
    """Remembers which transactions were scanned, and which of them pay us."""

    def __init__(self, rpc: NodeRpc) -> None:
        self._rpc = rpc
        self._scripts: Scripts = ()
        self._scanned: set[str] = set()
        self._ours: dict[str, list[Payment]] = {}
        self._carried: set[str] = set()  # of ours, those whose unconfirmed ancestors are known

    @property
    def remembered(self) -> int:
        """How many transactions are known: those in the mempool when it was read last, and what was heard since."""
        return len(self._scanned | self._ours.keys())

    async def payments(self, scripts: Scripts) -> list[Payment]:
        """Return everything of ours that waits for a block right now."""
        if scripts is not self._scripts:  # what was scanned, was scanned for others
            self._scripts = scripts
            self._forget_all_but(set())
        present = await self._present()
        self._forget_all_but(present)
        await self._fetch(present - self._scanned)
        for txid in self._ours.keys() & present - self._carried:
            await self._find_ancestors(txid, present)
        # what was heard meanwhile may be of a block that was undone: the next reading tells
        return [payment for txid, payments in self._ours.items() if txid in present for payment in payments]

    def add(self, raw: bytes) -> bool:
        """Scan a transaction that arrived by itself; True when it is news that pays us."""
        txid = transaction_id(raw)
        if txid in self._scanned:
            return False
        self._note(txid, raw)
        return txid in self._ours

    async def _present(self) -> set[str]:
        """Return every transaction in the mempool; raise NodeWarmingUp while a restarted node still reads it."""
        listed, info = await self._rpc.batch([("getrawmempool",), ("getmempoolinfo",)])
        for answer in (listed, info):
            if isinstance(answer, ChainError):
                raise answer
        if not node_answers.mempool_info(info).loaded:
            raise NodeWarmingUp("the node is still reading its mempool: nothing in it counts as gone")
        return set(node_answers.transaction_ids(listed))

    def _forget_all_but(self, present: set[str]) -> None:
        self._scanned &= present
        self._carried &= present
        for txid in self._ours.keys() - present:
            del self._ours[txid]

    async def _fetch(self, missing: set[str]) -> None:
        names = iter(missing)
        while part := list(islice(names, FETCH_AT_ONCE)):
            answers = await self._rpc.batch([("getrawtransaction", txid) for txid in part])
            for txid, answer in zip(part, answers, strict=True):
                if not isinstance(answer, ChainError):  # refused: it left the mempool meanwhile
                    self._note(txid, node_answers.raw("getrawtransaction", answer))

    def _note(self, txid: str, raw: bytes) -> None:
        self._scanned.add(txid)
        if payments := payments_in_transaction(raw, self._scripts):
            self._ours[txid] = [replace(payment, transactions=(raw,)) for payment in payments]

    async def _find_ancestors(self, txid: str, present: set[str]) -> None:
        """Find what must be handed in before it, should the mempool be lost.

        As many as nodes allow, ancestors first.
        """
        [raw] = self._ours[txid][0].transactions[-1:]
        chain, newest = {txid: raw}, [raw]
        while newest and len(chain) < MOST_ANCESTORS:
            parents = {parent for raw in newest for parent, _ in spent_by(raw)} & present
            if not parents:
                break
            answers = await self._rpc.batch([("getrawtransaction", parent) for parent in sorted(parents)])
            newest = [
                node_answers.raw("getrawtransaction", answer)
                for answer in answers
                if not isinstance(answer, ChainError)
            ]
            for raw in newest:
                chain.pop(match := transaction_id(raw), None)  # an ancestor in two ways comes before both
                chain[match] = raw
        ordered = tuple(reversed(chain.values()))
        self._ours[txid] = [replace(payment, transactions=ordered) for payment in self._ours[txid]]
        self._carried.add(txid)


class ZmqSubscriber:
    """A ZMQ subscription to a node's ``rawtx``: calls ``on_transaction``, and ``on_gap`` when some were lost."""

    def __init__(self, address: str, on_transaction: Callable[[bytes], None], on_gap: Callable[[], None]) -> None:
        self._address, self._on_transaction, self._on_gap = address, on_transaction, on_gap

    async def run(self) -> None:
        """Listen until cancelled.  ZMQ reconnects by itself."""
        with zmq.asyncio.Context() as context, context.socket(zmq.SUB) as socket:
            socket.linger = 0
            socket.rcvhwm = 0
            socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
            socket.setsockopt(zmq.IPV6, 1)  # and IPv4 as well
            socket.subscribe(b"rawtx")
            socket.connect(self._address)
            counter: int | None = None
            while True:
                message = await socket.recv_multipart()
                if len(message) != 3 or len(message[2]) != struct.calcsize("<I"):
                    self._on_gap()  # whatever it was, the next reading of the mempool tells
                    continue
                _, raw, packed = message
                (number,) = struct.unpack("<I", packed)
                if counter is not None and number != (counter + 1) % 2**32:
                    self._on_gap()
                counter = number
                self._on_transaction(raw)
