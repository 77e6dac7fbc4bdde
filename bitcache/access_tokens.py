"""Who is signed in: sessions of browsers, and tokens for programs.

Beside them the seller's own token, derived from the account code, may do everything; it alone proves that the holder of
the code is there.  Of each, only a hash is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from bitcache.account_errors import ScopeMissing, TooManyTokens
from bitcache.errors import InvalidIdentifier, NotFound, Unauthenticated
from bitcache.identifiers import new_secret, same, token_hash
from bitcache.sellers import Seller
from bitcache.storage.tables import access_token, seller

#: A session that was not used for so long is over (seconds).
SESSION_SECONDS = 30 * 86_400
#: So many of each kind a seller may have; a further session ends the one that was used longest ago.
MOST_SESSIONS, MOST_TOKENS = 20, 20
LONGEST_NAME = 100
#: When a token was used last is written down no more often than this (seconds).
NOTED_EVERY = 3_600


class Scope(StrEnum):
    """What a holder may do; each includes what stands before it."""

    READ = "read"  #: see listings and sales
    SELL = "sell"  #: upload and publish
    ACCOUNT = "account"  #: sessions, tokens, the index, and where one is paid (with a proof)
    OWNER = "owner"  #: the account code was there


class Kind(StrEnum):
    """Who holds it."""

    SESSION = "session"
    TOKEN = "token"  # noqa: S105 (a kind of token, not one)


_ORDER = tuple(Scope)


@dataclass(frozen=True, slots=True)
class Access:
    """Who asks, and with what right; ``token_id`` None: the seller's own token."""

    seller: Seller
    scope: Scope
    token_id: int | None = None
    unnoted: bool = False  #: it is time to note that the token was used

    def require(self, scope: Scope) -> None:
        """Raise ScopeMissing unless this includes ``scope``."""
        if _ORDER.index(self.scope) < _ORDER.index(scope):
            raise ScopeMissing


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A session or a program's token, as its seller sees it.  Times in Unix seconds."""

    id: int
    kind: Kind
    name: str
    scope: Scope
    created_at: int
    last_used_at: int


def access_by_token(conn: Connection, token: str, now: int) -> Access:
    """Return what the holder of a token may do; raise Unauthenticated.  Every wrong one costs the same."""
    try:
        digest = token_hash(token)
    except InvalidIdentifier:
        digest = bytes(32)
    owner = conn.execute(select(seller).where(seller.c.token_hash == digest)).first()
    row = conn.execute(_WITH_SELLER.where(access_token.c.token_hash == digest)).first()
    if owner is not None and same(owner.token_hash, digest):
        return Access(Seller(owner.id, owner.name, owner.created_at), Scope.OWNER)
    if row is None or not same(row.token_hash, digest) or _is_over(row, now):
        raise Unauthenticated("nobody holds this token")
    holder = Seller(row.seller_id, row.seller_name, row.seller_created_at)
    return Access(holder, Scope(row.scope), row.id, unnoted=now - row.last_used_at > NOTED_EVERY)


def is_owners(conn: Connection, seller_id: int, token: str) -> bool:
    """Return whether this is the seller's own token."""
    try:
        digest = token_hash(token)
    except InvalidIdentifier:
        return False
    row = conn.execute(select(seller.c.token_hash).where(seller.c.id == seller_id)).first()
    return row is not None and same(row.token_hash, digest)


def begin_session(conn: Connection, seller_id: int, name: str, now: int) -> str:
    """Return a new session's token; the one used longest ago ends where there are too many."""
    of_seller = (access_token.c.seller_id == seller_id) & (access_token.c.kind == Kind.SESSION.value)
    newest = select(access_token.c.id).where(of_seller).order_by(access_token.c.last_used_at.desc())
    keep = newest.limit(MOST_SESSIONS - 1).scalar_subquery()
    conn.execute(delete(access_token).where(of_seller, access_token.c.id.not_in(keep)))
    return _add(conn, seller_id, Kind.SESSION, name, Scope.ACCOUNT, now)


def make_token(conn: Connection, seller_id: int, name: str, scope: Scope, now: int) -> str:
    """Return a token for a program; raise TooManyTokens."""
    made = select(func.count()).where(access_token.c.seller_id == seller_id, access_token.c.kind == Kind.TOKEN.value)
    if (conn.scalar(made) or 0) >= MOST_TOKENS:
        raise TooManyTokens
    return _add(conn, seller_id, Kind.TOKEN, name, scope, now)


def rotate(conn: Connection, seller_id: int, token_id: int, now: int) -> str:
    """Return a new secret for a program's token: the old one ends at once; raise NotFound."""
    token = new_secret()
    mine = (access_token.c.id == token_id) & (access_token.c.seller_id == seller_id)
    changed = update(access_token).where(mine, access_token.c.kind == Kind.TOKEN.value)
    if not conn.execute(changed.values(token_hash=token_hash(token), created_at=now, last_used_at=now)).rowcount:
        raise NotFound("no such token")
    return token


def revoke(conn: Connection, seller_id: int, token_id: int) -> AccessToken:
    """End a session or a token, and return what it was; raise NotFound."""
    mine = (access_token.c.id == token_id) & (access_token.c.seller_id == seller_id)
    row = conn.execute(delete(access_token).where(mine).returning(access_token)).first()
    if row is None:
        raise NotFound("no such session or token")
    return _token(row)


def of_seller(conn: Connection, seller_id: int, now: int) -> list[AccessToken]:
    """Return the sessions and tokens that a seller has, used last first."""
    rows = conn.execute(
        select(access_token)
        .where(access_token.c.seller_id == seller_id)
        .order_by(access_token.c.last_used_at.desc(), access_token.c.id.desc())
    )
    return [_token(row) for row in rows if not _is_over(row, now)]


def note_use(conn: Connection, token_id: int, now: int) -> None:
    """Write down that a token was used."""
    conn.execute(update(access_token).where(access_token.c.id == token_id).values(last_used_at=now))


_WITH_SELLER = select(
    access_token, seller.c.name.label("seller_name"), seller.c.created_at.label("seller_created_at")
).join(seller, seller.c.id == access_token.c.seller_id)


def _add(conn: Connection, seller_id: int, kind: Kind, name: str, scope: Scope, now: int) -> str:
    token = new_secret()
    values = {
        "seller_id": seller_id,
        "kind": kind.value,
        "name": name[:LONGEST_NAME],
        "token_hash": token_hash(token),
        "scope": scope.value,
        "created_at": now,
        "last_used_at": now,
    }
    conn.execute(insert(access_token).values(values))
    return token


def _is_over(row: Row[Any], now: int) -> bool:
    return bool(row.kind == Kind.SESSION.value and now - row.last_used_at > SESSION_SECONDS)


def _token(row: Row[Any]) -> AccessToken:
    return AccessToken(row.id, Kind(row.kind), row.name, Scope(row.scope), row.created_at, row.last_used_at)
