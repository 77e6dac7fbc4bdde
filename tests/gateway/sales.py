"""A seller's client in one function: what is uploaded and listed, made from a file's content."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from bitcache.identifiers import FileId, b64u, new_file_id
from bitcache.sealing import container, hash_groups, key_derivation, manifest, metadata

SEED = bytes(range(32))


@dataclass
class VerifiedOffer:
    """A sealed file with both shares."""

    file_id: FileId
    link_share: bytes
    gateway_share: bytes
    sealed: bytes
    listing: dict[str, Any] = field(repr=False)

    def opened(self, sealed: bytes, gateway_share: bytes) -> bytes:
        """What a buyer with the link makes of bytes and share."""
        key = key_derivation.file_key(self.link_share, gateway_share, self.file_id)
        opener = container.Opener(key, key_derivation.file_context(self.file_id))
        return opener.update(sealed) + opener.finalize()


def file_for_sale(
    plain: bytes = b"a song", price_sat: int = 2500, preview: str | None = None, **wrong: Any
) -> VerifiedOffer:
    """Sealed and signed; ``wrong`` replaces members of the manifest before signing."""
    file_id, a, b = new_file_id(), key_derivation.new_link_share(), key_derivation.new_gateway_share()
    sealer = container.Sealer(
        key_derivation.file_key(a, b, file_id), key_derivation.file_context(file_id), key_derivation.new_salt()
    )
    sealed = sealer.update(plain) + sealer.finalize()
    described = metadata.Metadata("A song", "song.flac", "audio/flac", len(plain), manifest.seller_key(SEED))
    meta = metadata.seal_metadata(described, a, file_id, key_derivation.new_salt())
    shown = metadata.Preview("text/plain", preview.encode()) if preview is not None else None
    sample = metadata.seal_preview(shown, a, file_id, key_derivation.new_salt()) if shown else None
    hasher = hash_groups.GroupHasher()
    hasher.update(sealed[56:])
    hashes = hasher.finalize()
    members: dict[str, Any] = {
        "file_id": file_id,
        "sealed_size": len(sealed),
        "header": sealed[:56],
        "group_root": hash_groups.group_root(hashes),
        "share_hash": key_derivation.share_hash(b),
        "meta_hash": manifest.digest(meta),
        "preview_hash": manifest.digest(sample) if sample else None,
        "price_sat": price_sat,
        "seller_key": manifest.seller_key(SEED),
    }
    text = manifest.Manifest(**(members | wrong)).text()
    listing = {
        "manifest": text,
        "signature": b64u(manifest.sign(text, SEED)),
        "groups": b64u(b"".join(hashes)),
        "meta": b64u(meta),
        "preview": b64u(sample) if sample else None,
        "share": b64u(b),
    }
    return VerifiedOffer(file_id, a, b, sealed, listing)


def content(length: int) -> bytes:
    """Bytes that do not compress."""
    return secrets.token_bytes(length)
