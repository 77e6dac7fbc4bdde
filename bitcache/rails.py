"""The rails of an installation, and which of them a new invoice can be paid by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from bitcache.errors import UnknownRail
from bitcache.payment_rail import DerivingRail, PreparingRail, Rail

R = TypeVar("R", bound=Rail)


class Scope(NamedTuple):
    """A wallet connection: its rail, and the scope that it is."""

    rail: str
    scope: str


@dataclass(frozen=True)
class Rails:
    """The rails of an installation: one that derives from the sellers' accounts, and any that prepare.

    ``at_issue`` names those that every new invoice has a request of; None: all.  The others come when a buyer asks.
    """

    deriving: DerivingRail
    preparing: tuple[PreparingRail, ...] = ()
    at_issue: frozenset[str] | None = None

    def __iter__(self) -> Iterator[Rail]:
        """Return all of them, in the order in which buyers see them."""
        return iter((self.deriving, *self.preparing))

    def __getitem__(self, name: str) -> Rail:
        """Return the rail of that name; raise UnknownRail."""
        return _named(self, name)

    def get(self, name: str) -> Rail | None:
        """Return the rail of that name, or None if this gateway has it no longer."""
        return next((rail for rail in self if rail.name == name), None)

    def reference_text(self, name: str, reference: str) -> str:
        """Return a payment's reference as people know it: on-chain the transaction's id."""
        rail = self.get(name)
        return reference if rail is None else rail.reference_text(reference)

    @property
    def network(self) -> str:
        """The Bitcoin network that all of them belong to."""
        return self.deriving.network

    def derives_at_issue(self) -> bool:
        """Return whether every new invoice takes a destination of the seller's account."""
        return self._is_at_issue(self.deriving)

    def prepared_at_issue(self, connected: Scope | None) -> list[tuple[PreparingRail, str]]:
        """Return the preparing rails that a new invoice has a request of, each with the scope that it asks.

        ``connected``: the wallet that its seller connected.
        """
        scopes = [(rail, scope_of(rail, connected)) for rail in self.preparing if self._is_at_issue(rail)]
        return [(rail, scope) for rail, scope in scopes if scope is not None]

    def preparing_rail(self, name: str) -> PreparingRail:
        """Return the preparing rail of that name; raise UnknownRail."""
        return _named(self.preparing, name)

    def _is_at_issue(self, rail: Rail) -> bool:
        return self.at_issue is None or rail.name in self.at_issue


def scope_of(rail: PreparingRail, connected: Scope | None) -> str | None:
    """Return the scope that this rail asks for a seller who connected that wallet; None: it cannot serve them."""
    if rail.scope is not None:
        return rail.scope
    return connected.scope if connected is not None and connected.rail == rail.name else None


def _named(rails: Iterable[R], name: str) -> R:
    for rail in rails:
        if rail.name == name:
            return rail
    raise UnknownRail(f"this gateway has no way to be paid called {name[:40]!r}")
