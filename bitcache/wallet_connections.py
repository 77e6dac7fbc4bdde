"""Wallets that sellers connected: the gateway may ask them for payment requests, and for nothing else.

A connection is a secret: it stands in the database under the master key.  Each is a scope of its own, because what was
paid is known wallet by wallet.  One that was replaced is kept: payment requests of its may still be paid.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    exists,
    insert,
    or_,
    select,
    update,
)

from bitcache.errors import NotFound
from bitcache.master_key import MasterKey
from bitcache.sellers import rail_payout
from bitcache.storage.tables import payment_request, seller, wallet_connection


@dataclass(frozen=True, slots=True)
class WalletConnection:
    """``label`` is shown to its seller; ``scope`` is what its payments come to."""

    id: int
    rail: str
    kind: str
    label: str
    created_at: int
    wrapped: bytes = field(repr=False)

    @property
    def scope(self) -> str:
        """Return the name of its scope (see bitcache/payments_known_until.py)."""
        return scope_of(self.rail, self.id)


def scope_of(rail: str, connection_id: int) -> str:
    """Return the scope of a connection."""
    return f"{rail}:{connection_id}"


def connection_id_of(scope: str) -> int:
    """Return the connection's id; raise NotFound when this is no connection's scope."""
    number = scope.rpartition(":")[2]
    if not number.isdecimal():
        raise NotFound("no such wallet connection")
    return int(number)


@dataclass(frozen=True, slots=True)
class NewConnection:
    """A connection that was just tried: ``secret`` is what the seller pasted."""

    rail: str
    kind: str
    label: str
    secret: str = field(repr=False)


def keep(conn: Connection, key: MasterKey, new: NewConnection, now: int) -> WalletConnection:
    """Keep a connection that nobody asks yet."""
    row = conn.execute(
        insert(wallet_connection)
        .values(rail=new.rail, kind=new.kind, label=new.label, created_at=now, wrapped=key.wrap_connection(new.secret))
        .returning(wallet_connection)
    ).one()
    return _connection(row)


def ask(conn: Connection, seller_id: int, connection_id: int, now: int) -> None:
    """Ask this wallet from now on; requests that are open on the seller's last one stay payable."""
    rail = conn.scalars(select(wallet_connection.c.rail).where(wallet_connection.c.id == connection_id)).one()
    conn.execute(update(seller).where(seller.c.id == seller_id).values(connection_id=connection_id))
    rail_payout(conn, seller_id, rail, now)


def disconnect(conn: Connection, seller_id: int) -> bool:
    """Ask no wallet of this seller any more; return whether one was asked."""
    asked = update(seller).where(seller.c.id == seller_id, seller.c.connection_id.is_not(None))
    return bool(conn.execute(asked.values(connection_id=None)).rowcount)


def connection_of(conn: Connection, seller_id: int) -> WalletConnection | None:
    """Return the wallet that is asked for this seller now."""
    current = select(wallet_connection).join(seller, seller.c.connection_id == wallet_connection.c.id)
    row = conn.execute(current.where(seller.c.id == seller_id)).first()
    return _connection(row) if row else None


def by_scope(conn: Connection, scope: str) -> WalletConnection:
    """Return the connection of a scope; raise NotFound."""
    row = conn.execute(select(wallet_connection).where(wallet_connection.c.id == connection_id_of(scope))).first()
    if row is None:
        raise NotFound("no such wallet connection")
    return _connection(row)


def asked_now(conn: Connection) -> list[WalletConnection]:
    """Return those that are asked for the invoices of new purchases, the oldest first."""
    current = select(wallet_connection).join(seller, seller.c.connection_id == wallet_connection.c.id)
    return [_connection(row) for row in conn.execute(current.order_by(wallet_connection.c.id))]


def in_use(conn: Connection, rail: str, since: int) -> list[WalletConnection]:
    """Return those that are asked now, and those with requests that were payable after ``since`` (Unix seconds)."""
    return [_connection(row) for row in conn.execute(_IN_USE, {"of_rail": rail, "since": since})]


def _has_requests() -> ColumnElement[bool]:
    scope = wallet_connection.c.rail + ":" + cast(wallet_connection.c.id, Text)
    return exists().where(
        payment_request.c.scope == scope,
        payment_request.c.destination.is_not(None),
        payment_request.c.expires_at > bindparam("since"),
    )


def _in_use() -> Select[tuple[int]]:
    asked_now = exists().where(seller.c.connection_id == wallet_connection.c.id)
    return (
        select(wallet_connection)
        .where(and_(wallet_connection.c.rail == bindparam("of_rail"), or_(asked_now, _has_requests())))
        .order_by(wallet_connection.c.id)
    )


_IN_USE = _in_use()


def _connection(row: Row[tuple[object, ...]]) -> WalletConnection:
    return WalletConnection(row.id, row.rail, row.kind, row.label, row.created_at, row.wrapped)
