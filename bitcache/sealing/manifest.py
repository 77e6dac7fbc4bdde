"""The manifest: what the seller signs and everyone can check without any key (docs/protocol.md §5).

The exact text is what is signed: keep it beside the parsed :class:`Manifest` and never re-encode it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bitcache.errors import BitcacheError, InvalidManifest
from bitcache.identifiers import FileId, b64u, parse_file_id
from bitcache.money import MAX_MONEY
from bitcache.sealing import container, strict_json
from bitcache.sealing.chunk_cipher import HEADER_SIZE

MAX_TEXT = 4096  #: bytes; a real manifest has about 500

_DOMAIN = b"bitcache/v1 manifest\x00"
_MEMBERS = {
    "v": (int,),
    "file_id": (str,),
    "sealed_size": (int,),
    "header": (str,),
    "group_root": (str,),
    "share_hash": (str,),
    "meta_hash": (str,),
    "preview_hash": (str, type(None)),
    "price_sat": (int,),
    "seller_key": (str,),
}


@dataclass(frozen=True)
class Manifest:
    """One file's public facts; hashes and keys are raw bytes, sizes bytes, the price whole satoshis."""

    file_id: FileId
    sealed_size: int
    header: bytes
    group_root: bytes
    share_hash: bytes
    meta_hash: bytes
    preview_hash: bytes | None
    price_sat: int
    seller_key: bytes

    def text(self) -> str:
        """Return the JSON to sign and send."""
        members = {
            "v": 1,
            "file_id": self.file_id,
            "sealed_size": self.sealed_size,
            "header": b64u(self.header),
            "group_root": b64u(self.group_root),
            "share_hash": b64u(self.share_hash),
            "meta_hash": b64u(self.meta_hash),
            "preview_hash": None if self.preview_hash is None else b64u(self.preview_hash),
            "price_sat": self.price_sat,
            "seller_key": b64u(self.seller_key),
        }
        return json.dumps(members, separators=(",", ":"))


def parse(text: str) -> Manifest:
    """Return the manifest in ``text``.

    Raise InvalidManifest for an unknown version or member, a wrong type or range.
    """
    _encode(text)
    members = strict_json.parse_object(text, _MEMBERS)
    strict_json.number(members["v"], 1, 1, "version")
    preview = members["preview_hash"]
    try:
        container.plain_size(members["sealed_size"])
        file_id = parse_file_id(members["file_id"])
    except BitcacheError as error:
        raise InvalidManifest(str(error)) from None
    return Manifest(
        file_id=file_id,
        sealed_size=members["sealed_size"],
        header=strict_json.raw(members["header"], HEADER_SIZE, "header"),
        group_root=strict_json.raw(members["group_root"], 32, "group_root"),
        share_hash=strict_json.raw(members["share_hash"], 32, "share_hash"),
        meta_hash=strict_json.raw(members["meta_hash"], 32, "meta_hash"),
        preview_hash=None if preview is None else strict_json.raw(preview, 32, "preview_hash"),
        price_sat=strict_json.number(members["price_sat"], 1, MAX_MONEY, "price_sat"),
        seller_key=strict_json.raw(members["seller_key"], 32, "seller_key"),
    )


def sign(text: str, seller_seed: bytes) -> bytes:
    """Return the Ed25519 signature, 64 bytes, of the exact text; ``seller_seed`` 32 bytes (RFC 8032 §5.1.5)."""
    return Ed25519PrivateKey.from_private_bytes(seller_seed).sign(_DOMAIN + _encode(text))


def seller_key(seller_seed: bytes) -> bytes:
    """Return the public key, 32 bytes, of a seller's seed."""
    return Ed25519PrivateKey.from_private_bytes(seller_seed).public_key().public_bytes_raw()


def verify(text: str, signature: bytes) -> Manifest:
    """Return the manifest, once its own seller key proved to have signed this very text; else InvalidManifest.

    That the key is the right one, only the metadata says: compare ``seller_key`` in both.
    """
    manifest = parse(text)
    try:
        Ed25519PublicKey.from_public_bytes(manifest.seller_key).verify(signature, _DOMAIN + _encode(text))
    except (InvalidSignature, ValueError):
        raise InvalidManifest("the signature is not the seller's") from None
    return manifest


def digest(sealed: bytes) -> bytes:
    """SHA-256 of sealed metadata or a sealed preview: ``meta_hash``, ``preview_hash``."""
    return hashlib.sha256(sealed).digest()


def _encode(text: str) -> bytes:
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise InvalidManifest("the manifest is not UTF-8") from None
    if len(data) > MAX_TEXT:
        raise InvalidManifest("the manifest is over 4 KiB")
    return data
