"""Identifiers and secrets: how they are made, spelled and compared.

Everything is unpadded base64url (RFC 4648 §5).  A file id is made by the seller's client, a
purchase id by the gateway; a claim secret by the buyer's client, and the gateway keeps only its hash.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import NewType

from bitcache.errors import InvalidIdentifier

FileId = NewType("FileId", str)  #: 16 bytes, 22 characters
PurchaseId = NewType("PurchaseId", str)  #: 16 bytes, 22 characters

FILE_ID_BYTES = 16
PURCHASE_ID_BYTES = 16
CLAIM_BYTES = 32
TOKEN_BYTES = 32


def b64u(data: bytes) -> str:
    """Return unpadded base64url."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def unb64u(text: str, length: int | None = None, what: str = "identifier") -> bytes:
    """Return the bytes of base64url text, strictly; raise InvalidIdentifier without quoting the text."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidIdentifier(f"this {what} is not base64url") from error
    if b64u(raw) != text or (length is not None and len(raw) != length):
        raise InvalidIdentifier(f"this {what} has the wrong length or spelling")
    return raw


def parse_file_id(text: str) -> FileId:
    """Return a file id in its one spelling."""
    unb64u(text, FILE_ID_BYTES, "file id")
    return FileId(text)


def parse_purchase_id(text: str) -> PurchaseId:
    """Return a purchase id in its one spelling."""
    unb64u(text, PURCHASE_ID_BYTES, "purchase id")
    return PurchaseId(text)


def new_file_id() -> FileId:
    """Return a fresh file id, made by whoever seals."""
    return FileId(b64u(secrets.token_bytes(FILE_ID_BYTES)))


def new_purchase_id() -> PurchaseId:
    """Return a fresh purchase id, made by the gateway."""
    return PurchaseId(b64u(secrets.token_bytes(PURCHASE_ID_BYTES)))


def new_secret() -> str:
    """32 random bytes: a claim secret or a seller token."""
    return b64u(secrets.token_bytes(CLAIM_BYTES))


def claim_hash(secret: str) -> bytes:
    """Return what the gateway keeps of a claim secret: SHA-256("bitcache/v1 claim" ‖ secret)."""
    return hashlib.sha256(b"bitcache/v1 claim" + unb64u(secret, CLAIM_BYTES, "claim secret")).digest()


def token_hash(token: str) -> bytes:
    """Return what the gateway keeps of a seller token: SHA-256("bitcache/v1 token" ‖ token)."""
    return hashlib.sha256(b"bitcache/v1 token" + unb64u(token, TOKEN_BYTES, "seller token")).digest()


def same(left: bytes, right: bytes) -> bool:
    """Return whether both are equal, in constant time."""
    return hmac.compare_digest(left, right)
