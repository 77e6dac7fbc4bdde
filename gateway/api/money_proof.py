"""Whoever took over a session must not change where the money goes, nor open what is sold."""

from __future__ import annotations

from sqlalchemy import Connection

from bitcache import access_tokens, payout_changes
from bitcache.access_tokens import Access, Scope
from bitcache.account_errors import ProofNeeded


def is_proof_needed(conn: Connection, access: Access) -> bool:
    """Return whether who asks must show the seller's token too: a session, once there is something to take away."""
    return access.scope is not Scope.OWNER and payout_changes.has_payout(conn, access.seller.id)


def require_owner(conn: Connection, access: Access, proof: str | None) -> None:
    """Raise ProofNeeded unless the holder of the account code is there."""
    if access.scope is not Scope.OWNER and not access_tokens.is_owners(conn, access.seller.id, proof or ""):
        raise ProofNeeded


def may_move_money(conn: Connection, access: Access, proof: str | None) -> None:
    """Raise ProofNeeded unless the holder of the account code is there, or there is nothing to take away yet."""
    if is_proof_needed(conn, access):
        require_owner(conn, access, proof)
