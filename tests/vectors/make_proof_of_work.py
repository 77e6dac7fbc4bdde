"""Writes proof_of_work.json, read by the tests of both languages: ``python tests/vectors/make_proof_of_work.py``."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from bitcache.identifiers import FileId, b64u
from bitcache.proof_of_work import Purpose, make_challenge, solve

SECRET = bytes(range(32))
PURPOSE = Purpose(FileId(b64u(bytes(16))), hashlib.sha256(b"claim").digest(), bytes(range(16)))
NOW = 1_800_000_000


def case(bits: int) -> dict[str, object]:
    """A challenge, and the smallest nonce that solves it."""
    challenge = make_challenge(SECRET, PURPOSE, bits, NOW)
    return {"challenge": challenge, "bits": bits, "nonce": solve(challenge, bits)}


def main() -> None:
    """Write the file anew."""
    about = {
        "secret": SECRET.hex(),
        "file_id": PURPOSE.file_id,
        "claim_hash": b64u(PURPOSE.claim_hash),
        "network": PURPOSE.network.hex(),
        "issued_at": NOW,
    }
    comment = "docs/protocol.md §10; nonce is the smallest that gives at least so many leading zero bits"
    cases = [case(bits) for bits in (0, 1, 4, 7, 10)]
    path = Path(__file__).with_suffix("").parent / "proof_of_work.json"
    path.write_text(json.dumps({"comment": comment, **about, "cases": cases}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
