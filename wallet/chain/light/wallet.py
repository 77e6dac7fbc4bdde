"""One account as the Bitcoin Dev Kit wants it: a wallet in memory that begins at a block of our choice.

Nothing of it is stored.  What must survive a restart is the ledger's cursor, and the filters after it
are asked for again: some twenty kilobytes a block, against a second database that could disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bdkpython import (
    BlockHash,
    ChainChange,
    ChangeSet,
    IndexerChangeSet,
    LocalChainChangeSet,
    Persistence,
    Persister,
    TxGraphChangeSet,
    Update,
    Wallet,
)

from bitcache.ledger import BlockRef
from wallet.account import receiving_branch
from wallet.chain.light.headers import GENESIS
from wallet.networks import facts

#: The client rescans the last eight blocks that its wallet knows; with fewer it would begin at the genesis.
DEPTH = 8


@dataclass(frozen=True, slots=True)
class FoundTransaction:
    """A transaction of a watched account, in a block."""

    block_hash: str
    raw: bytes
    coinbase: bool


@dataclass(frozen=True, slots=True)
class Changes:
    """What one update brought: blocks by height (None: no longer in the chain), and what is in them."""

    chain: tuple[tuple[int, str | None], ...] = ()
    transactions: tuple[FoundTransaction, ...] = ()


class LightWallet:
    """An account from which ``issued`` addresses were given out, standing at the last of ``blocks``."""

    def __init__(self, account: str, network: str, issued: int, lookahead: int, blocks: Sequence[BlockRef]) -> None:
        descriptor = receiving_branch(account, network)
        # the client looks at (last revealed + lookahead) addresses, so with issued - 1 it would look at one too few
        revealed = {descriptor.descriptor_id(): issued}
        known = {0: GENESIS[network]} | {block.height: block.hash for block in blocks}
        state = ChangeSet.from_aggregate(
            descriptor,
            None,
            facts(network).bdk,
            LocalChainChangeSet(changes=[ChainChange(height=h, hash=BlockHash.from_string(known[h])) for h in known]),
            TxGraphChangeSet(txs=[], txouts={}, anchors=[], last_seen={}, first_seen={}, last_evicted={}),
            IndexerChangeSet(last_revealed=revealed),
        )
        self.bdk = Wallet.load_single(descriptor, Persister.custom(_Given(state)), lookahead=lookahead)
        self._raw: dict[str, tuple[bytes, bool]] = {}

    def apply(self, update: Update) -> Changes:
        """Take an update in; a transaction is told once for every block that was ever seen to hold it."""
        self.bdk.apply_update(update)
        staged = self.bdk.take_staged()
        if staged is None:
            return Changes()
        graph = staged.tx_graph_changeset()
        for tx in graph.txs:
            self._raw[str(tx.compute_txid())] = tx.serialize(), tx.is_coinbase()
        return Changes(
            tuple((one.height, str(one.hash) if one.hash else None) for one in staged.localchain_changeset().changes),
            tuple(
                FoundTransaction(str(one.confirmation_block_time.block_id.hash), *self._raw[str(one.txid)])
                for one in graph.anchors
            ),
        )


class _Given(Persistence):
    """A store that holds one state and keeps nothing."""

    def __init__(self, state: ChangeSet) -> None:
        self._state = state

    def initialize(self) -> ChangeSet:
        return self._state

    def persist(self, changeset: ChangeSet) -> None:
        """On purpose: see the module's comment."""
