"""What can be asked of a node beyond the chain itself: for ``bitcache doctor``."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bitcache.chain_errors import ChainError, NodeCallForbidden, NodeConfused, NodePruned, NodeRefused
from bitcache.chain_types import BlockRef
from wallet.block_outputs import block_hash
from wallet.chain import node_answers
from wallet.chain.bitcoind_source import FEE_BLOCKS, BitcoindSource
from wallet.chain.chain_source import ChainSource, ChainStatus
from wallet.chain.node_answers import ChainInfo, NetworkInfo
from wallet.chain.node_calls import CALLS
from wallet.chain.node_rpc import NodeRpc, is_not_found
from wallet.chain.node_zmq import publishes, rawtx_addresses

#: How long a ZMQ publisher may take to shake hands.
ZMQ_SECONDS = 3.0
NOBODY = "00" * 32  #: the hash of no block and of no transaction
METHOD_NOT_FOUND = -32601


class CursorAt(StrEnum):
    """Where the ledger's newest block is, for the node."""

    ON_CHAIN = "on_chain"
    OFF_CHAIN = "off_chain"  #: reorganised away, or not connected yet
    UNKNOWN = "unknown"  #: it never heard of it: another data folder, or one that is behind
    NEXT_PRUNED = "next_pruned"  #: the block that comes next is deleted
    ANOTHER_CHAIN = "another_chain"  #: not even a block deeper than any reorganisation is on the node's chain


class Zmq(StrEnum):
    """Whether the node's transactions can be heard."""

    NONE = "none"  #: it publishes none
    SILENT = "silent"  #: nobody answers at the address
    ANSWERS = "answers"


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """How a node is.  What is None was not asked, or has no meaning for this source."""

    name: str
    status: ChainStatus
    cursor: CursorAt | None = None
    catching_up: bool | None = None
    pruned_below: int | None = None
    zmq: Zmq | None = None
    zmq_address: str = ""
    relays_transactions: bool | None = None  #: False: it never asks its peers for any (-blocksonly)
    median_time: int | None = None
    tip_time: int | None = None
    peers: int | None = None
    failing: Mapping[str, ChainError] = field(default_factory=dict)  #: calls of ours that were tried, and why not
    looked_at: int = 0


async def check_up(source: ChainSource, cursor: BlockRef | None, deep: BlockRef | None = None) -> NodeFacts:
    """Return everything; never raise ChainError.  ``deep``: a block of the ledger that no reorganisation reaches."""
    status = await source.status()
    if not isinstance(source, BitcoindSource):
        return NodeFacts(source.name, status, peers=status.peers, looked_at=int(time.time()))
    if not status.reachable and not isinstance(status.error, NodeCallForbidden):
        return NodeFacts(source.name, status, looked_at=int(time.time()))
    try:
        return await _ask(source, status, cursor, deep)
    except ChainError as error:
        gone = ChainStatus(False, status.network, version=status.version, error=error)
        return NodeFacts(source.name, gone, looked_at=int(time.time()))


async def _ask(
    source: BitcoindSource, status: ChainStatus, cursor: BlockRef | None, deep: BlockRef | None
) -> NodeFacts:
    rpc = source.rpc
    failing = await try_calls(rpc)
    if not status.reachable:
        return NodeFacts(source.name, status, failing=failing, looked_at=int(time.time()))
    info = node_answers.chain_info(await rpc.call("getblockchaininfo"))
    network: NetworkInfo = node_answers.network_info(await rpc.call("getnetworkinfo"))
    needed = {"getblockhash", "getblockheader", "getblock"}.isdisjoint(failing)
    zmq, address = await _zmq(source, failing)
    return NodeFacts(
        source.name,
        status,
        cursor=await _where(rpc, info, cursor, deep) if cursor and needed else None,
        catching_up=info.initialblockdownload or info.blocks < info.known,
        pruned_below=info.pruneheight or 0 if info.pruned else None,
        zmq=zmq,
        zmq_address=address,
        relays_transactions=network.localrelay,
        median_time=info.mediantime,
        tip_time=info.time,
        peers=network.connections,
        failing=failing,
        looked_at=int(time.time()),
    )


async def try_calls(rpc: NodeRpc) -> dict[str, ChainError]:
    """Make every call that the gateway makes, with nothing to change by it; return those that fail, and why.

    Raise ChainError when the node is away.
    """
    try:
        info = node_answers.chain_info(await rpc.call("getblockchaininfo"))
    except NodeRefused:
        info = None
    failing: dict[str, ChainError] = {}
    for method, parameters in _trials(info).items():
        try:
            _CHECKS.get(method, _anything)(await rpc.call(method, *parameters))
        except NodeCallForbidden as error:
            failing[method] = error
        except NodePruned:
            continue
        except NodeRefused as error:  # of a block or a transaction that is nobody's: the call itself is taken
            if error.details.get("rpc_code") == METHOD_NOT_FOUND:
                failing[method] = error
        except NodeConfused as error:
            failing[method] = error
    return failing


def _trials(info: ChainInfo | None) -> dict[str, tuple[Any, ...]]:
    """Return what to ask: the newest block where it is known, and else what no node has."""
    height, digest = (info.blocks, info.bestblockhash) if info else (0, NOBODY)
    parameters: dict[str, tuple[Any, ...]] = {
        "getblockhash": (height,),
        "getblockheader": (digest,),
        "getblock": (digest, 0),
        "getrawtransaction": (NOBODY,),
        "estimatesmartfee": (FEE_BLOCKS,),
        "waitfornewblock": (1,),  # a millisecond; 0 would be for ever
        "getblockfrompeer": (NOBODY, 0),
        "sendrawtransaction": ("00",),
        "gettxout": (NOBODY, 0, True),
    }
    return {call.method: parameters.get(call.method, ()) for call in CALLS}


def _anything(answer: Any) -> object:
    return answer


_CHECKS: Mapping[str, Callable[[Any], object]] = {
    "getblockchaininfo": node_answers.chain_info,
    "getnetworkinfo": node_answers.network_info,
    "getblockhash": lambda answer: node_answers.text("getblockhash", answer),
    "getblockheader": node_answers.header,
    "getblock": lambda answer: block_hash(node_answers.raw("getblock", answer)),
    "getrawmempool": node_answers.transaction_ids,
    "getmempoolinfo": node_answers.mempool_info,
    "waitfornewblock": node_answers.tip,
    "getzmqnotifications": node_answers.notifications,
    "getpeerinfo": node_answers.peers,
}


async def _where(rpc: NodeRpc, info: ChainInfo, cursor: BlockRef, deep: BlockRef | None) -> CursorAt:
    if deep is not None and info.blocks >= deep.height and await rpc.call("getblockhash", deep.height) != deep.hash:
        return CursorAt.ANOTHER_CHAIN
    try:
        header = node_answers.header(await rpc.call("getblockheader", cursor.hash))
    except NodeRefused as error:
        if is_not_found(error):
            return CursorAt.UNKNOWN
        raise
    if header.confirmations < 0:
        return CursorAt.OFF_CHAIN
    if header.nextblockhash is not None:
        try:
            await rpc.call("getblock", header.nextblockhash, 0)
        except NodePruned:
            return CursorAt.NEXT_PRUNED
    return CursorAt.ON_CHAIN


async def _zmq(source: BitcoindSource, failing: Mapping[str, ChainError]) -> tuple[Zmq, str]:
    """Return where the gateway would listen, and whether anybody answers there."""
    address = source.zmq_address
    if not address and "getzmqnotifications" not in failing:
        offers = node_answers.notifications(await source.rpc.call("getzmqnotifications"))
        address = next(iter(rawtx_addresses(offers, source.rpc.host)), None)
    if not address:
        return Zmq.NONE, ""
    return Zmq.ANSWERS if await publishes(address, ZMQ_SECONDS) else Zmq.SILENT, address
