"""Keys, contexts and hashes, against the formulas of docs/protocol.md §2 written out with the standard library."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from bitcache.errors import InvalidIdentifier
from bitcache.identifiers import FileId, new_file_id, unb64u
from bitcache.sealing import key_derivation

A, B = bytes(range(16)), bytes(range(32))


def hkdf(ikm: bytes, salt: bytes, info: bytes) -> bytes:
    """RFC 5869 with SHA-256 and L = 16: one block."""
    prk = hmac.digest(salt, ikm, "sha256")
    return hmac.digest(prk, info + b"\x01", "sha256")[:16]


def test_keys() -> None:
    """The three keys are the protocol's, and the file's needs both shares."""
    file_id = new_file_id()
    raw = unb64u(file_id)
    assert key_derivation.file_key(A, B, file_id) == hkdf(A + B, raw, b"bitcache/v1 file")
    assert key_derivation.meta_key(A, file_id) == hkdf(A, raw, b"bitcache/v1 meta")
    assert key_derivation.preview_key(A, file_id) == hkdf(A, raw, b"bitcache/v1 preview")
    assert key_derivation.share_hash(B) == hashlib.sha256(b"bitcache/v1 share" + B).digest()


def test_contexts() -> None:
    """Contexts name the purpose and the file, so nothing sealed for one opens as another."""
    file_id = new_file_id()
    assert key_derivation.file_context(file_id) == b"bitcache/v1 file\x00" + unb64u(file_id)
    assert key_derivation.meta_context(file_id) == b"bitcache/v1 meta\x00" + unb64u(file_id)
    assert key_derivation.preview_context(file_id) == b"bitcache/v1 preview\x00" + unb64u(file_id)


def test_wrong_lengths() -> None:
    """A share of another length is refused: A ‖ B must have one reading only."""
    file_id = new_file_id()
    with pytest.raises(InvalidIdentifier):
        key_derivation.file_key(A + B[:1], B[1:], file_id)
    with pytest.raises(InvalidIdentifier):
        key_derivation.file_key(A, B[1:], file_id)
    for call in (key_derivation.meta_key, key_derivation.preview_key):
        with pytest.raises(InvalidIdentifier):
            call(B, file_id)
    with pytest.raises(InvalidIdentifier):
        key_derivation.share_hash(A)
    with pytest.raises(InvalidIdentifier):
        key_derivation.file_context(FileId("short"))


def test_fresh_secrets() -> None:
    """New shares and salts have their lengths and do not repeat."""
    for make, length in (
        (key_derivation.new_link_share, 16),
        (key_derivation.new_gateway_share, 32),
        (key_derivation.new_salt, 24),
    ):
        assert len(make()) == length
        assert make() != make()
