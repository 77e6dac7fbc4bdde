"""The errors of following the Bitcoin network; the whole tree is drawn in bitcache/errors.py."""

from __future__ import annotations

from bitcache.errors import BitcacheError


class ChainError(BitcacheError):
    """The Bitcoin network cannot be watched right now."""

    code = "chain"
    hint = "Payments are safe and are found when the node answers again."


class NodeUnreachable(ChainError):
    """The Bitcoin node does not answer."""

    code = "node_unreachable"
    hint = "Start bitcoind, or check chain.rpc_url."


class NodeAuthFailed(ChainError):
    """The Bitcoin node rejects the configured user name and password."""

    code = "node_auth_failed"
    hint = "Check chain.rpc_cookie, or chain.rpc_user and chain.rpc_password."


class NodeWarmingUp(ChainError):
    """The Bitcoin node is starting."""

    code = "node_warming_up"
    hint = "Wait: it answers when its block index is loaded."


class NodeWrongNetwork(ChainError):
    """The Bitcoin node follows another network."""

    code = "node_wrong_network"
    hint = "Make bitcoin.network and the node's own network the same."


class NodePruned(ChainError):
    """The node has deleted (pruned) the next block that must be read."""

    code = "node_pruned"
    hint = "Restore the block (reindex, or an unpruned node), then start again."


class NodeRefused(ChainError):
    """The Bitcoin node answered with an error."""

    code = "node_refused"


class NodeCallForbidden(NodeRefused):
    """The Bitcoin node does not allow this user a call that the gateway makes."""

    code = "node_call_forbidden"
    hint = "Add it to the rpcwhitelist of the gateway's user in bitcoin.conf; bitcache doctor prints the whole line."


class NodeConfused(ChainError):
    """The Bitcoin node sent an unexpected response."""

    code = "node_not_understood"
    hint = "Update the node or Bitcache, and check that chain.rpc_url is the node's own RPC."


class PeerMisbehaved(NodeRefused):
    """A peer of the light client sent invalid data."""

    code = "peer_misbehaved"
    hint = "It is avoided for an hour and others are used. List peers that you trust in chain.light_peers."
