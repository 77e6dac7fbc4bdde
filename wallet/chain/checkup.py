"""What can be asked of a node beyond the chain itself: for ``bitcache doctor``."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bitcache.errors import ChainError, NodePruned, NodeRefused
from bitcache.ledger import BlockRef
from wallet.chain.base import ChainSource, ChainStatus
from wallet.chain.rpc import NodeRpc, is_not_found


class CursorAt(StrEnum):
    """Where the ledger's newest block is, for the node."""

    ON_CHAIN = "on_chain"
    OFF_CHAIN = "off_chain"  #: reorganised away, or not connected yet
    UNKNOWN = "unknown"  #: it never heard of it: another data folder, or one that is behind
    NEXT_PRUNED = "next_pruned"  #: the block that comes next is deleted


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """How a node is.  What is None was not asked, or has no meaning for this source."""

    name: str
    status: ChainStatus
    cursor: CursorAt | None = None
    catching_up: bool | None = None
    pruned_below: int | None = None
    offers_zmq: bool | None = None
    median_time: int | None = None
    tip_time: int | None = None
    peers: int | None = None
    looked_at: int = 0


async def check_up(source: ChainSource, rpc: NodeRpc | None, cursor: BlockRef | None) -> NodeFacts:
    """Everything; never raises ChainError.  ``rpc``: the node's, if the source is one."""
    status = await source.status()
    if rpc is None or not status.reachable:
        return NodeFacts(source.name, status, peers=status.peers, looked_at=int(time.time()))
    try:
        return await _ask(source.name, status, rpc, cursor)
    except ChainError as error:
        gone = ChainStatus(False, status.network, version=status.version, error=error)
        return NodeFacts(source.name, gone, looked_at=int(time.time()))


async def _ask(name: str, status: ChainStatus, rpc: NodeRpc, cursor: BlockRef | None) -> NodeFacts:
    info: dict[str, Any] = await rpc.call("getblockchaininfo")
    return NodeFacts(
        name,
        status,
        cursor=await _where(rpc, cursor) if cursor else None,
        catching_up=info["initialblockdownload"] or info["blocks"] < info["headers"],
        pruned_below=info.get("pruneheight") if info["pruned"] else None,
        offers_zmq=await _offers_zmq(rpc),
        median_time=info["mediantime"],
        tip_time=info.get("time"),
        peers=await rpc.call("getconnectioncount"),
        looked_at=int(time.time()),
    )


async def _where(rpc: NodeRpc, cursor: BlockRef) -> CursorAt:
    try:
        header = await rpc.call("getblockheader", cursor.hash)
    except NodeRefused as error:
        if is_not_found(error):
            return CursorAt.UNKNOWN
        raise
    if header["confirmations"] < 0:
        return CursorAt.OFF_CHAIN
    if "nextblockhash" in header:
        try:
            await rpc.call("getblock", header["nextblockhash"], 0)
        except NodePruned:
            return CursorAt.NEXT_PRUNED
    return CursorAt.ON_CHAIN


async def _offers_zmq(rpc: NodeRpc) -> bool:
    try:
        return any(offer["type"] == "pubrawtx" for offer in await rpc.call("getzmqnotifications"))
    except NodeRefused:
        return False
