"""Writes sealing.json, the vectors that the Python and the JavaScript tests both read.

python tests/vectors/make_sealing.py        (deterministic: the same bytes every time)
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from bitcache.identifiers import FileId, b64u, claim_hash, unb64u
from bitcache.sealing import container, hash_groups, key_derivation, manifest, metadata
from bitcache.sealing.chunk_cipher import HEADER_SIZE

TARGET = Path(__file__).with_name("sealing.json")
LENGTHS = [0, 1, 16383, 16384, 16385, 64 * 16384, 64 * 16384 + 1, 3 * 2**20 + 12345]
COMMENT = [
    "Made by tests/vectors/make_sealing.py; docs/protocol.md sections 1 to 5.",
    "plain.pattern counter: byte i = (i*7 + (i>>8)*13) & 0xff.  b64u unless said hex.",
    "manifest belongs to the last case; links have their own file, links.json.",
]


def counter(length: int) -> bytes:
    """The plaintext pattern "counter"."""
    return bytes((i * 7 + (i >> 8) * 13) & 0xFF for i in range(length))


def secret(label: str, length: int) -> bytes:
    """Bytes that look random and are always the same."""
    return hashlib.sha512(b"bitcache vectors " + label.encode()).digest()[:length]


def sealed_case(name: str, plain: bytes, spelled: dict[str, Any]) -> dict[str, Any]:
    """One file, sealed."""
    file_id = FileId(b64u(secret(f"file id {name}", 16)))
    link_share, gateway_share = secret(f"A {name}", 16), secret(f"B {name}", 32)
    salt = secret(f"salt {name}", 24)
    key = key_derivation.file_key(link_share, gateway_share, file_id)
    sealer = container.Sealer(key, key_derivation.file_context(file_id), salt)
    sealed = sealer.update(plain) + sealer.finalize()
    hasher = hash_groups.GroupHasher()
    hasher.update(sealed[HEADER_SIZE:])
    hashes = hasher.finalize()
    return {
        "name": name,
        "file_id": file_id,
        "link_share": b64u(link_share),
        "gateway_share": b64u(gateway_share),
        "salt": b64u(salt),
        "plain": spelled,
        "file_key": key.hex(),
        "meta_key": key_derivation.meta_key(link_share, file_id).hex(),
        "preview_key": key_derivation.preview_key(link_share, file_id).hex(),
        "share_hash": b64u(key_derivation.share_hash(gateway_share)),
        "header": b64u(sealed[:HEADER_SIZE]),
        "sealed_size": len(sealed),
        "sealed_sha256": hashlib.sha256(sealed).hexdigest(),
        "group_hashes": [b64u(group_hash) for group_hash in hashes],
        "group_root": b64u(hash_groups.group_root(hashes)),
    }


def all_cases() -> list[dict[str, Any]]:
    """Every length at which something changes, and one short text."""
    cases = [sealed_case("text", b"hello, world", {"hex": b"hello, world".hex()})]
    cases += [sealed_case(f"counter {n}", counter(n), {"pattern": "counter", "length": n}) for n in LENGTHS]
    return cases


def meta_and_preview(file_id: FileId, link_share: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The metadata and preview that go with a case."""
    meta = metadata.Metadata("Song of the sea – été", "song été.flac", "audio/flac", LENGTHS[-1], seller_key())
    preview = metadata.Preview("text/plain", "Première strophe…\n".encode())
    same = {"file_id": file_id, "link_share": b64u(link_share)}
    salts = secret("meta salt", 24), secret("preview salt", 24)
    sealed_meta = metadata.seal_metadata(meta, link_share, file_id, salts[0])
    sealed_preview = metadata.seal_preview(preview, link_share, file_id, salts[1])
    return (
        {**same, "salt": b64u(salts[0]), "json": meta.text(), "sealed": b64u(sealed_meta)},
        {
            **same,
            "salt": b64u(salts[1]),
            "media_type": preview.media_type,
            "content": b64u(preview.content),
            "sealed": b64u(sealed_preview),
        },
    )


def seller_key() -> bytes:
    """The public key of the vectors' seller."""
    return manifest.seller_key(secret("seller seed", 32))


def signed_manifest(case: dict[str, Any], meta: dict[str, Any], preview: dict[str, Any]) -> dict[str, str]:
    """The manifest of a case with its signature."""
    text = manifest.Manifest(
        file_id=case["file_id"],
        sealed_size=case["sealed_size"],
        header=unb64u(case["header"]),
        group_root=unb64u(case["group_root"]),
        share_hash=unb64u(case["share_hash"]),
        meta_hash=manifest.digest(unb64u(meta["sealed"])),
        preview_hash=manifest.digest(unb64u(preview["sealed"])),
        price_sat=2500,
        seller_key=seller_key(),
    ).text()
    seed = secret("seller seed", 32)
    return {
        "text": text,
        "signature": b64u(manifest.sign(text, seed)),
        "seller_key": b64u(seller_key()),
        "seller_seed": seed.hex(),
    }


def claims() -> list[dict[str, str]]:
    """Claim secrets and what the gateway keeps of them."""
    secrets = [b64u(secret(f"claim {number}", 32)) for number in range(3)]
    return [{"secret": secret, "hash": b64u(claim_hash(secret))} for secret in secrets]


def text() -> str:
    """The whole of sealing.json."""
    cases = all_cases()
    last = cases[-1]
    meta, preview = meta_and_preview(last["file_id"], unb64u(last["link_share"]))
    vectors = {
        "comment": COMMENT,
        "cases": cases,
        "manifest": signed_manifest(last, meta, preview),
        "meta": meta,
        "preview": preview,
        "claims": claims(),
    }
    return json.dumps(vectors, indent=1, ensure_ascii=True) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
