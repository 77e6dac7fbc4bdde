"""Signing up, invitations, and the sealed index of an account.

A new seller sends a token that was derived from the account code on their device; the code itself is never sent.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from bitcache import sellers
from bitcache.account_errors import AccountExists, IndexChanged, InviteRefused, SignUpsFull
from bitcache.identifiers import b64u, new_secret, token_hash, unb64u
from bitcache.storage.sqlite_only_sql import upsert
from bitcache.storage.tables import account_index, invite, seller

INVITE_BYTES = 32
#: Names, link shares and notes of some ten thousand files.
LARGEST_INDEX = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Index:
    """What a seller's client sealed; ``version`` counts its changes, 0: there is none yet."""

    version: int
    sealed: bytes


def sign_up(conn: Connection, token: str, name: str, invite_code: str | None, now: int, *, most: int) -> int:
    """Return the id of a new seller, whose token this is.

    Raise AccountExists; InviteRefused when ``invite_code`` (None: none is needed) is used up or none; SignUpsFull
    where ``most`` have signed up.
    """
    if count(conn) >= most:
        raise SignUpsFull
    digest = token_hash(token)
    if conn.scalar(select(seller.c.id).where(seller.c.token_hash == digest)) is not None:
        raise AccountExists
    seller_id = sellers.create_seller(conn, name, digest, now)
    if invite_code is not None:
        _use_up(conn, invite_code, seller_id, now)
    return seller_id


def account_id(conn: Connection, seller_id: int) -> str:
    """Return what browsers keep a seller's things under: the same for ever, and not a number that counts sellers."""
    digest = conn.scalars(select(seller.c.token_hash).where(seller.c.id == seller_id)).one()
    return b64u(hashlib.sha256(b"bitcache/v1 account id" + digest).digest()[:16])


def count(conn: Connection) -> int:
    """Return how many ever signed up: no seller is deleted."""
    return int(conn.scalar(select(func.max(seller.c.id))) or 0)


def make_invite(conn: Connection, now: int, expires_at: int) -> str:
    """Return the secret of a new invitation for one seller."""
    code = new_secret()
    conn.execute(insert(invite).values(code_hash=_invite_hash(code), created_at=now, expires_at=expires_at))
    return code


def index_of(conn: Connection, seller_id: int) -> Index:
    """Return the sealed index of a seller."""
    row = conn.execute(select(account_index).where(account_index.c.seller_id == seller_id)).first()
    return Index(0, b"") if row is None else Index(row.version, row.sealed)


def keep_index(conn: Connection, seller_id: int, sealed: bytes, replaces: int, now: int) -> int:
    """Keep this in place of the version ``replaces``, and return the new version; raise IndexChanged."""
    if index_of(conn, seller_id).version != replaces:
        raise IndexChanged
    row = {"seller_id": seller_id, "version": replaces + 1, "sealed": sealed, "updated_at": now}
    conn.execute(upsert(account_index, keys=("seller_id",), changes=lambda new: {k: new[k] for k in row}), row)
    return replaces + 1


def _use_up(conn: Connection, code: str, seller_id: int, now: int) -> None:
    valid = (invite.c.code_hash == _invite_hash(code), invite.c.seller_id.is_(None), invite.c.expires_at >= now)
    if not conn.execute(update(invite).where(*valid).values(seller_id=seller_id, used_at=now)).rowcount:
        raise InviteRefused


def _invite_hash(code: str) -> bytes:
    return hashlib.sha256(b"bitcache/v1 invite" + unb64u(code, INVITE_BYTES, "invitation")).digest()
