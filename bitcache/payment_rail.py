"""The port to a rail: a way to be paid, such as on-chain.

There are two kinds.  A :class:`DerivingRail` computes its destinations from a seller's account, at once, inside the
write that makes the invoice.  A :class:`PreparingRail` must ask another machine for each; it does so outside every
write, within a time limit, and may fail without harm to the others.

What comes in is recorded through :mod:`bitcache.payments`, or, block by block, :mod:`bitcache.block_processing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bitcache.identifiers import FileId, PurchaseId
from bitcache.money import Sat
from bitcache.payments import IncomingPayment


@dataclass(frozen=True, slots=True)
class Destination:
    """Where one payment request is paid, as buyers see it, and the key by which its payments are recognised."""

    match_key: bytes
    text: str


@dataclass(frozen=True, slots=True)
class PayoutTerms:
    """A payout checked by the rail: ``account`` is its canonical public form, ``minimum`` the least payable sat."""

    account: str
    script_type: str
    minimum: int
    first: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RequestOrder:
    """A payment request to prepare: ``due`` is what is missing on the invoice, ``expires_at`` when it closes."""

    request_id: int
    scope: str
    purchase_id: PurchaseId
    file_id: FileId
    due: Sat
    expires_at: int


@dataclass(frozen=True, slots=True)
class AwaitedRequest:
    """A payment request that is ready and may still be paid, or may have been paid unseen."""

    match_key: bytes
    destination: str
    created_at: int
    expires_at: int
    status_url: str | None = None


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """What a preparing rail answers; its request may close before the invoice does, never after it.

    ``amount``: exactly what it asks for, in satoshis; None: whatever is due.
    ``status_url``: where the rail looks it up, if not by its match key.
    """

    destination: Destination
    expires_at: int
    amount: Sat | None = None
    status_url: str | None = None


class Rail(Protocol):
    """What both kinds have."""

    name: str
    #: whether payments are seen before they are final
    sees_unconfirmed: bool

    def uri(self, destination: str, amount: Sat) -> str:
        """Return what a wallet scans, for example a BIP21 URI."""
        ...

    def reference_text(self, reference: str) -> str:
        """Return a payment's reference as people know it: on-chain the transaction's id."""
        ...

    def watch(self, match_key: bytes) -> None:
        """Look out for payments to ``match_key``, for ever.  Called after the request is committed."""
        ...


class DerivingRail(Rail, Protocol):
    """Destinations are derived from a seller's account; each is given out once."""

    network: str
    #: what its payments come to, and from which they are known
    scope: str

    def check(self, account: str, script_type: str | None = None) -> PayoutTerms:
        """Read what a seller typed; raise InvalidDescriptor, PrivateKeyRefused, WrongNetwork."""
        ...

    def destination(self, account: str, index: int) -> Destination:
        """Return the ``index``-th fresh destination of a canonical account."""
        ...


class PaymentRecorder(Protocol):
    """Where a preparing rail reports; each call returns once it is committed, and may be repeated."""

    async def record(self, payments: Sequence[IncomingPayment]) -> None:
        """Record what came in; a payment that was reported before may have become final."""
        ...

    async def awaited(self) -> list[AwaitedRequest]:
        """Return what may still be paid, oldest first."""
        ...

    async def withdraw(self, references: Sequence[str]) -> None:
        """Withdraw payments that will not become final; what is final stays."""
        ...

    async def known_until(self, until: int) -> None:
        """Record that everything up to ``until`` (Unix seconds) was reported: only now may invoices expire."""
        ...


class PreparingRail(Rail, Protocol):
    """Destinations come from another machine: one of the rail's, or each seller's own wallet.

    ``scope`` is that machine's; None: each wallet connection is a scope (see bitcache/wallet_connections.py).
    """

    scope: str | None

    #: the least that can be paid at once, in satoshis
    minimum: int

    async def prepare(self, order: RequestOrder) -> PreparedRequest:
        """Return a destination of its own for this order; raise RailUnavailable.  It may take for ever."""
        ...

    def receipt(self, destination: str, proof: bytes) -> IncomingPayment | None:
        """Return the payment that this proof of payment (on Lightning: the preimage) shows; None: it shows none."""
        ...

    async def follow(self, scope: str, recorder: PaymentRecorder) -> None:
        """Report what comes in to one scope, until cancelled; raise RailUnavailable when its connection is lost.

        What was reported and not yet recorded is reported again by the next call.
        """
        ...
