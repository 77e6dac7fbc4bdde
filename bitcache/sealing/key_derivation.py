"""The two shares, the keys they make, and the contexts those keys seal under (docs/protocol.md §2-3).

The link share A opens metadata and preview; only A and the gateway share B together open the file.
File ids arrive in their b64u spelling; shares and keys are raw bytes.
"""

from __future__ import annotations

import hashlib
import secrets

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bitcache.errors import InvalidIdentifier
from bitcache.identifiers import FILE_ID_BYTES, FileId, unb64u
from bitcache.sealing.chunk_cipher import KEY_SIZE, SALT_SIZE

LINK_SHARE_SIZE = 16
GATEWAY_SHARE_SIZE = 32


def new_link_share() -> bytes:
    """Return a fresh link share A: 16 random bytes."""
    return secrets.token_bytes(LINK_SHARE_SIZE)


def new_gateway_share() -> bytes:
    """Return a fresh gateway share B: 32 random bytes."""
    return secrets.token_bytes(GATEWAY_SHARE_SIZE)


def new_salt() -> bytes:
    """Return a fresh salt S of one container: 24 random bytes."""
    return secrets.token_bytes(SALT_SIZE)


def file_key(link_share: bytes, gateway_share: bytes, file_id: FileId) -> bytes:
    """K, 16 bytes, from both shares; raise InvalidIdentifier for a share of the wrong length."""
    _check(gateway_share, GATEWAY_SHARE_SIZE, "gateway share")
    return _derive(_check(link_share, LINK_SHARE_SIZE, "link share") + gateway_share, file_id, b"file")


def meta_key(link_share: bytes, file_id: FileId) -> bytes:
    """K_meta, 16 bytes, from the link share alone."""
    return _derive(_check(link_share, LINK_SHARE_SIZE, "link share"), file_id, b"meta")


def preview_key(link_share: bytes, file_id: FileId) -> bytes:
    """K_preview, 16 bytes, from the link share alone."""
    return _derive(_check(link_share, LINK_SHARE_SIZE, "link share"), file_id, b"preview")


def share_hash(gateway_share: bytes) -> bytes:
    """SHA-256("bitcache/v1 share" ‖ B): what the manifest promises about the gateway share."""
    return hashlib.sha256(b"bitcache/v1 share" + _check(gateway_share, GATEWAY_SHARE_SIZE, "gateway share")).digest()


def file_context(file_id: FileId) -> bytes:
    """Return the context of the file's container."""
    return _context(b"file", file_id)


def meta_context(file_id: FileId) -> bytes:
    """Return the context of the metadata's container."""
    return _context(b"meta", file_id)


def preview_context(file_id: FileId) -> bytes:
    """Return the context of the preview's container."""
    return _context(b"preview", file_id)


def _context(kind: bytes, file_id: FileId) -> bytes:
    return b"bitcache/v1 " + kind + b"\x00" + _raw(file_id)


def _derive(material: bytes, file_id: FileId, kind: bytes) -> bytes:
    return HKDF(SHA256(), KEY_SIZE, salt=_raw(file_id), info=b"bitcache/v1 " + kind).derive(material)


def _raw(file_id: FileId) -> bytes:
    return unb64u(file_id, FILE_ID_BYTES, "file id")


def _check(share: bytes, length: int, what: str) -> bytes:
    if len(share) != length:
        raise InvalidIdentifier(f"a {what} has {length} bytes")
    return share
