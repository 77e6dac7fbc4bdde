"""The errors of following the Bitcoin network, and of wallets that are asked for invoices.

The whole tree is drawn in bitcache/errors.py."""

from __future__ import annotations

from bitcache.errors import BadInput, BitcacheError


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


class WalletError(BitcacheError):
    """A connected wallet cannot be used right now."""

    code = "wallet_error"


class WalletUnreachable(WalletError):
    """The wallet does not answer."""

    code = "wallet_unreachable"
    hint = "Open the wallet, check its connection to the internet, or connect it again."


class WalletRefused(WalletError):
    """The wallet refused what it was asked."""

    code = "wallet_refused"
    hint = "Look at the connection in the wallet: it must be allowed to create and look up invoices."


class WalletMisbehaved(WalletError):
    """The wallet answered with something that cannot be used."""

    code = "wallet_misbehaved"
    hint = "Update the wallet, or connect another one."


class ConnectionRefused(BadInput):
    """This is no wallet connection that can be used."""

    code = "connection_refused"
    hint = (
        "Copy the whole connection from your wallet, nostr+walletconnect://…, or give a Lightning address, "
        "name@domain, or an LNbits server and the invoice key."
    )


class ConnectionCanSpend(ConnectionRefused):
    """This connection may spend from the wallet. Bitcache wants to ask for invoices only, and did not keep it."""

    code = "connection_can_spend"
    hint = "Make a connection in the wallet that may receive only, and paste that."


class ConnectionTellsNothing(ConnectionRefused):
    """The service of this Lightning address does not say whether an invoice was paid (LUD-21)."""

    code = "connection_tells_nothing"
    hint = "Give an address of another service, or connect the wallet itself, for example by Nostr Wallet Connect."
