"""What the chain says, in the core's words: blocks, payments to keys of ours, and what has left the mempool."""

from __future__ import annotations

from dataclasses import dataclass, field

from bitcache.money import Sat

#: The scope of what is paid on the chain (see bitcache/payments_known_until.py).
CHAIN = "chain"


@dataclass(frozen=True, slots=True)
class BlockRef:
    """A block by height and hash (hex, as nodes print it)."""

    height: int
    hash: str


@dataclass(frozen=True, slots=True)
class Payment:
    """An output that pays one of our keys.  ``reference`` is unique for ever (on-chain: ``txid:vout``)."""

    reference: str
    key: bytes
    amount: Sat
    maturity: int = 0
    #: The raw transaction that carries it, its unconfirmed ancestors before it; empty where they are not known.
    transactions: tuple[bytes, ...] = field(default=(), repr=False, compare=False)

    @property
    def txid(self) -> str:
        """What carries it, and perhaps other payments."""
        return txid_of(self.reference)


def txid_of(reference: str) -> str:
    """Return the transaction of a payment."""
    return reference.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Absent:
    """A transaction that pays us, in no block and not in the mempool: its unconfirmed ancestors, and itself."""

    txid: str
    transactions: tuple[bytes, ...]
