"""A whole block, proven to be the one that a header names: its transactions hash to the header's merkle root."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from bitcache.chain_errors import ChainError, PeerMisbehaved
from wallet.block_outputs import every_transaction

_COINBASE = bytes(32) + b"\xff\xff\xff\xff"


@dataclass(frozen=True, slots=True)
class WholeBlock:
    """Raw bytes, and every output script in them."""

    raw: bytes
    scripts: frozenset[bytes]


def read_block(raw: bytes) -> WholeBlock:
    """Check a raw block against its own header; raise PeerMisbehaved when its transactions are not the header's."""
    try:
        transactions = every_transaction(raw)
    except ChainError as error:
        raise PeerMisbehaved("the peer sent a broken block") from error
    # inner nodes of the tree passed off as transactions would begin with one that is no coinbase
    if not transactions or transactions[0].first_input != _COINBASE:
        raise PeerMisbehaved("the peer sent a block that begins with no coinbase")
    if merkle_root([transaction.digest for transaction in transactions]) != raw[36:68]:
        raise PeerMisbehaved("the peer sent a block of other transactions than its header's")
    return WholeBlock(raw, frozenset(script for transaction in transactions for script in transaction.scripts))


def merkle_root(digests: list[bytes]) -> bytes | None:
    """Return the root over transaction ids; None for a list that may stand for a shorter one (CVE-2012-2459)."""
    while len(digests) > 1:
        if any(digests[place] == digests[place + 1] for place in range(0, len(digests) - 1, 2)):
            return None
        if len(digests) % 2:
            digests = [*digests, digests[-1]]
        digests = [_double_sha256(digests[n] + digests[n + 1]) for n in range(0, len(digests), 2)]
    return digests[0] if digests else None


def _double_sha256(content: bytes) -> bytes:
    return hashlib.sha256(hashlib.sha256(content).digest()).digest()
