"""The calls that the gateway makes to a Bitcoin node: one table for the code, for ``bitcache doctor`` and for the docs.

A node's owner can allow these and no others: ``rpcwhitelist=<user>:<names with commas>`` (Bitcoin Core,
doc/JSON-RPC-interface.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Need(StrEnum):
    """What is lost without a call."""

    PAYMENTS = "payments"  #: no payment is seen
    MEMPOOL = "mempool"  #: payments are seen in their block alone
    SPEED = "speed"  #: payments are seen, later
    FEES = "fees"  #: buyers are not told what the network costs
    REPAIR = "repair"  #: what went wrong is not mended by itself


@dataclass(frozen=True, slots=True)
class NodeCall:
    """A method, and what it is for."""

    method: str
    need: Need
    purpose: str


CALLS = (
    NodeCall("getblockchaininfo", Need.PAYMENTS, "network, newest block, whether the node has caught up"),
    NodeCall("getnetworkinfo", Need.PAYMENTS, "version, peers, whether transactions are relayed to it"),
    NodeCall("getblockhash", Need.PAYMENTS, "where to begin, and whether the chain is still the same"),
    NodeCall("getblockheader", Need.PAYMENTS, "which block comes next"),
    NodeCall("getblock", Need.PAYMENTS, "payments in blocks"),
    NodeCall("getrawmempool", Need.MEMPOOL, "payments that wait for a block"),
    NodeCall("getmempoolinfo", Need.MEMPOOL, "whether the node has read its mempool since it started"),
    NodeCall("getrawtransaction", Need.MEMPOOL, "payments that wait for a block"),
    NodeCall("waitfornewblock", Need.SPEED, "a block at once, instead of within ten seconds"),
    NodeCall("getzmqnotifications", Need.SPEED, "where the node publishes transactions (ZMQ)"),
    NodeCall("estimatesmartfee", Need.FEES, "what a payment costs the buyer beside its price"),
    NodeCall("getpeerinfo", Need.REPAIR, "whom to ask for a block that was pruned"),
    NodeCall("getblockfrompeer", Need.REPAIR, "asks for it"),
    NodeCall("sendrawtransaction", Need.REPAIR, "hands it a payment again that left its mempool"),
    NodeCall("gettxout", Need.REPAIR, "whether something else has spent the coins of such a payment"),
)


def whitelist(user: str = "<user>", calls: Iterable[NodeCall] = CALLS) -> str:
    """Return the line for bitcoin.conf that allows ``calls`` to ``user``."""
    return f"rpcwhitelist={user}:{','.join(call.method for call in calls)}"


_WITHOUT = {
    Need.PAYMENTS: "no payment is seen",
    Need.MEMPOOL: "payments are seen only in blocks",
    Need.SPEED: "payments and blocks are seen later",
    Need.FEES: "buyers are not told what the network costs",
    Need.REPAIR: "what was lost is not fetched or sent again",
}


def table() -> str:
    """Return the rows of the table in docs/operating.md."""
    return "".join(f"| `{call.method}` | {_WITHOUT[call.need]} | {call.purpose} |\n" for call in CALLS)
