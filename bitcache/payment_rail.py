"""What the core asks of the world, in the core's words.

A rail is a way to be paid.  The core asks it for a destination and tells it to watch; what was paid
comes back through :mod:`bitcache.block_processing`, from whichever watcher the rail has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bitcache.identifiers import PurchaseId
from bitcache.money import Sat


@dataclass(frozen=True, slots=True)
class Destination:
    """Where one invoice is paid: ``key`` is how the watcher recognises it (on-chain: the output script)."""

    key: bytes
    address: str


@dataclass(frozen=True, slots=True)
class PayoutTerms:
    """A payout checked by the rail: ``account`` is its canonical public form, ``minimum`` the least payable sat."""

    account: str
    script_type: str
    minimum: int
    first: tuple[str, ...]


class Rail(Protocol):
    """A way to be paid."""

    name: str
    network: str
    #: whether payments are seen before they are in a block
    sees_unconfirmed: bool

    def check(self, account: str, script_type: str | None = None) -> PayoutTerms:
        """Read what a seller typed; raises InvalidDescriptor, PrivateKeyRefused, WrongNetwork."""
        ...

    def destination(self, account: str, index: int) -> Destination:
        """The ``index``-th fresh destination of a canonical account."""
        ...

    def uri(self, address: str, amount: Sat) -> str:
        """What a wallet scans, for example a BIP21 URI."""
        ...

    def watch(self, key: bytes, purchase: PurchaseId) -> None:
        """Look out for payments to ``key``, for ever.  Called after the invoice is committed."""
        ...
