"""A chain source on your own Bitcoin node, by RPC; ZMQ and REST, where the node offers them, only hasten.

The node is the only truth.  If it says that the cursor's block is unknown or off the chain, the
answer is Back; else it names the next block, whose parent must be the cursor.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import structlog
import zmq

from bitcache.chain_errors import (
    ChainError,
    NodeCallForbidden,
    NodePruned,
    NodeRefused,
    NodeWarmingUp,
    NodeWrongNetwork,
)
from bitcache.chain_types import Absent, BlockRef, Payment
from bitcache.errors import InvalidAmount
from wallet.block_outputs import block_hash, parent_hash, payments_in_block
from wallet.chain import node_answers
from wallet.chain.block_prefetch import BlockPrefetch, PrefetchedBlock
from wallet.chain.chain_source import Back, ChainStatus, Forward, Scripts, Step
from wallet.chain.mempool_payments import Mempool, ZmqSubscriber
from wallet.chain.node_answers import ChainInfo, Header
from wallet.chain.node_rpc import LARGE, NodeRpc, is_not_found
from wallet.chain.node_zmq import rawtx_addresses
from wallet.chain.spent_inputs import find_conflicted

LONG_POLL_SECONDS = 30
#: A payment that waits longer than an hour is one that its buyer asks about.
FEE_BLOCKS = 6
#: How soon the mempool is read again when no ZMQ tells of news.
POLL_SECONDS = 5.0
#: How soon a node that offers no ZMQ, or forbids a call that only hastens, is asked again.
ASK_AGAIN_SECONDS = 60.0
#: A node without a block for so long is taken to be behind: once in 160 000 blocks it is not.
STALE_SECONDS = 2 * 60 * 60

log = structlog.get_logger("wallet.bitcoind")


class BitcoindSource:
    """Follows a node that must be on ``network``.  ``zmq_address``: where it publishes rawtx, else it is asked."""

    sees_unconfirmed = True  # until the node forbids the calls for it

    def __init__(self, rpc: NodeRpc, network: str, *, zmq_address: str | None = None) -> None:
        self.network = network
        self._rpc = rpc
        self._zmq_address = zmq_address
        self._mempool = Mempool(rpc)
        self._ahead = BlockPrefetch(self._after)
        self._version = ""
        self._checked = False
        self._rest = True  # until it turns out that the node offers none
        self.hears_zmq = False
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def rpc(self) -> NodeRpc:
        """The node itself, for questions beyond the chain."""
        return self._rpc

    @property
    def zmq_address(self) -> str | None:
        """Where it was told that the node publishes transactions; None: it asks the node."""
        return self._zmq_address

    @property
    def name(self) -> str:
        """What people call it."""
        return f"bitcoind {self._version}".strip()

    async def open(self) -> None:
        """Begin listening; a node that is down is tried again for ever."""
        for listen in (self._hear_blocks, self._hear_transactions):
            self._tasks.append(asyncio.create_task(listen(), name=f"bitcoind-{listen.__name__}"))

    async def close(self) -> None:
        """Stop listening and close the connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await self._ahead.close()
        await self._rpc.close()

    async def status(self) -> ChainStatus:
        """Return how the node is."""
        try:
            info = await self._info()
        except ChainError as error:
            return ChainStatus(False, self.network, version=self._version, error=error)
        return ChainStatus(
            True,
            self.network,
            info.blocks,
            info.known,
            _is_synced(info),
            self._version,
            info.warning,
            tip_time=_newest_time(info),
        )

    async def tip(self) -> BlockRef:
        """Return the newest block."""
        info = await self._info()
        return BlockRef(info.blocks, info.bestblockhash)

    async def at(self, height: int) -> BlockRef:
        """Return the block of the node's chain at ``height``."""
        digest = node_answers.text("getblockhash", await self._call("getblockhash", height))
        return BlockRef(height, digest)

    async def step(self, cursor: BlockRef, scripts: Scripts) -> Step:
        """Return what follows ``cursor``."""
        block = await self._ahead.after(cursor)
        if not isinstance(block, PrefetchedBlock):
            return block
        if parent_hash(block.raw) != cursor.hash:
            raise NodeRefused("the node sent a block that does not follow the one before")
        return Forward(block.block, tuple(await _scan(block.raw, scripts)))

    async def unconfirmed(self, scripts: Scripts) -> list[Payment]:
        """Return everything of ours in the node's mempool; nothing if it forbids the calls."""
        try:
            payments = await self._mempool.payments(scripts)
        except NodeCallForbidden as error:
            if self.sees_unconfirmed:
                log.warning("payments_seen_only_in_blocks", reason=str(error), hint=error.advice)
            self.sees_unconfirmed = False
            return []
        except ChainError:
            self._checked = False
            raise
        self.sees_unconfirmed = True
        return payments

    async def offer(self, transactions: Sequence[bytes]) -> None:
        """Hand them to the node again; it may have them, refuse them, or not take this call from us."""
        for raw in transactions:
            try:
                await self._rpc.call("sendrawtransaction", raw.hex())
            except NodeRefused:
                continue

    async def conflicted(self, absent: Sequence[Absent]) -> set[str]:
        """Return those that spend an output which something else has spent, in a block or in the mempool."""
        try:
            return await find_conflicted(self._rpc, absent)
        except NodeRefused:  # it does not take this call from us: then nothing was seen
            return set()

    async def fee_rate(self) -> int | None:
        """Return the node's own estimate; None until it has seen enough, and where it forbids the call."""
        try:
            answer = await self._call("estimatesmartfee", FEE_BLOCKS)
        except NodeRefused:
            return None
        return node_answers.fee_estimate(answer).sat_per_kvb

    async def wait(self, timeout: float) -> None:
        """Return at a block or a payment of ours, or after ``timeout`` seconds (sooner without ZMQ)."""
        try:
            async with asyncio.timeout(timeout if self.hears_zmq else min(timeout, POLL_SECONDS)):
                await self._news.wait()
        except TimeoutError:
            return
        finally:
            self._news.clear()

    async def _call(self, method: str, *params: Any) -> Any:
        """Return one call's result, from a node that was checked to be on our network since it last was away."""
        if not self._checked:
            await self._info()
        try:
            return await self._rpc.call(method, *params)
        except NodeRefused:
            raise
        except ChainError:
            self._checked = False
            raise

    async def _info(self) -> ChainInfo:
        """Return the node's view of its chain; raise NodeWrongNetwork."""
        info = node_answers.chain_info(await self._rpc.call("getblockchaininfo"))
        if info.chain != self.network:
            raise NodeWrongNetwork(f"the node follows {info.chain}, this gateway {self.network}")
        if not self._checked:
            self._version = _version(node_answers.network_info(await self._rpc.call("getnetworkinfo")).version)
            self._checked = self._rest = True
        return info

    async def _after(self, cursor: BlockRef) -> PrefetchedBlock | Back | None:
        """Return the block after ``cursor``, unmatched."""
        header = await self._header(cursor)
        if header is None or header.confirmations < 0:
            await self._expect_as_high_as(cursor)
            return Back()
        if header.nextblockhash is None:
            return None
        block = BlockRef(cursor.height + 1, header.nextblockhash)
        return PrefetchedBlock(block, await self._block(block.height, block.hash), more=header.confirmations > 2)

    async def _header(self, cursor: BlockRef) -> Header | None:
        """Return the cursor's header, or None when the node never heard of it."""
        try:
            header = node_answers.header(await self._call("getblockheader", cursor.hash))
        except NodeRefused as error:
            if not is_not_found(error):
                raise
        else:
            return header
        return None

    async def _expect_as_high_as(self, cursor: BlockRef) -> None:
        """Refuse a node that has fewer blocks than we saw: it knows less than we do, and that is no reorganisation.

        It is indexing its blocks again, or runs on another, older data folder.  Only where blocks are made
        and unmade on command can a chain become shorter.
        """
        info = await self._info()
        on_command = info.chain == "regtest" and not info.initialblockdownload
        if info.blocks < cursor.height and not on_command:
            raise NodeWarmingUp(
                f"the node is at block {info.blocks}, and was at {cursor.height} before",
                hint="Wait: it is reading its blocks again. If it was started on another data folder, put the old "
                "one back, or wait until it has caught up.",
            )

    async def _block(self, height: int, digest: str) -> bytes:
        """Return a raw block; ask a peer for one that was pruned, for the next attempt, and raise NodePruned."""
        if self._rest:
            raw = await self._rpc.rest(f"rest/block/{digest}.bin")
            if raw is not None and block_hash(raw) == digest:
                return raw
            self._rest = False
        try:
            return node_answers.raw("getblock", await self._call("getblock", digest, 0))
        except NodePruned as error:
            asked = await self._ask_peers(digest)
            raise NodePruned(
                f"block {height} comes next, and the node has deleted it"
                + (": its peers were asked for it" if asked else ""),
                hint="Payments wait until it is back. Let the node fetch it (bitcoin-cli getblockfrompeer "
                f"{digest} <peer>), restart it with -reindex, or set chain.rpc_url to a node that has all blocks. "
                "For the future give the node a larger prune= setting.",
                height=height,
            ) from error

    async def _ask_peers(self, digest: str) -> bool:
        """Return whether some peer was asked to send a block again."""
        try:
            peers = node_answers.peers(await self._call("getpeerinfo"))
        except NodeCallForbidden:
            return False
        for peer in peers:
            try:
                await self._call("getblockfrompeer", digest, peer.id)
            except NodeRefused:  # an old node, or a peer that has pruned it too
                continue
            return True
        return False

    async def _hear_blocks(self) -> None:
        """Wake up at every new tip."""
        tip, takes_tip = "", True
        while True:
            since = (tip,) if tip and takes_tip else ()
            try:
                tip = await self._next_tip(*since)
            except NodeCallForbidden:  # blocks are found when the watcher looks, within ten seconds
                await asyncio.sleep(ASK_AGAIN_SECONDS)
            except NodeRefused:  # an older node takes no second parameter; the timer covers the gap between two calls
                takes_tip = False
                await asyncio.sleep(1)
            except ChainError:
                self._checked = False  # what comes back may be another node, or offer more
                await asyncio.sleep(1)
                self._news.set()
            else:
                self._news.set()

    async def _next_tip(self, *since: str) -> str:
        """Return the newest block's hash, as soon as it is not ``since``, or after a while."""
        patience = LONG_POLL_SECONDS + 15
        tip = await self._rpc.call("waitfornewblock", LONG_POLL_SECONDS * 1000, *since, timeout=patience)
        return node_answers.tip(tip).hash

    async def _hear_transactions(self) -> None:
        """Learn of payments the moment the node does, if it publishes them."""
        address = self._zmq_address or await self._ask_zmq_address()
        if not address:
            log.info("no_zmq", hint="start the node with -zmqpubrawtx=tcp://127.0.0.1:28332 to see payments sooner")
        while not address:  # it may be restarted with it
            await asyncio.sleep(ASK_AGAIN_SECONDS)
            address = await self._ask_zmq_address()
        try:
            await ZmqSubscriber(address, self._on_transaction, self._news.set).run()
        except zmq.ZMQError as error:
            log.warning("zmq_failed", reason=str(error))
        finally:
            self.hears_zmq = False

    def _on_transaction(self, raw: bytes) -> None:
        self.hears_zmq = True
        try:
            ours = self._mempool.add(raw)
        except (NodeRefused, InvalidAmount):  # the next reading of the mempool tells
            log.warning("zmq_garbage", bytes=len(raw))
            return
        if ours:
            self._news.set()

    async def _ask_zmq_address(self) -> str | None:
        """Return where the node says that it publishes rawtx; wait for a node that is down."""
        while True:
            try:
                offers = node_answers.notifications(await self._call("getzmqnotifications"))
            except NodeRefused:
                return None
            except ChainError:
                await asyncio.sleep(1)
                continue
            return next(iter(rawtx_addresses(offers, self._rpc.host)), None)


async def _scan(raw: bytes, scripts: Scripts) -> list[Payment]:
    """In a thread when large: a full block takes some 12 ms."""
    if len(raw) < LARGE:
        return payments_in_block(raw, scripts)
    return await asyncio.to_thread(payments_in_block, raw, scripts)


def _newest_time(info: ChainInfo) -> int | None:
    """Return the newest block's time, or, from nodes that do not tell, the median of eleven, an hour or so earlier."""
    return info.mediantime if info.time is None else info.time


def _is_synced(info: ChainInfo) -> bool:
    """Return whether the node's newest block is the network's newest, as far as one can tell."""
    if info.blocks < info.known:
        return False
    if info.chain == "regtest":  # blocks come on command there
        return True
    newest = _newest_time(info)
    return not info.initialblockdownload and (newest is None or time.time() - newest < STALE_SECONDS)


def _version(number: int) -> str:
    """290402 is 29.4.2."""
    return f"{number // 10_000}.{number // 100 % 100}.{number % 100}"
