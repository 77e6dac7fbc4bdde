"""Nostr events: made, signed and checked (NIP-01; signatures by BIP340)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from coincurve import PrivateKey, PublicKeyXOnly

from bitcache.chain_errors import WalletMisbehaved

MOST_TAGS = 100


@dataclass(frozen=True, slots=True)
class Event:
    """A signed event; ``pubkey`` is the author's x-only key."""

    id: bytes
    pubkey: bytes
    created_at: int
    kind: int
    tags: tuple[tuple[str, ...], ...]
    content: str

    def values(self, tag: str) -> list[str]:
        """Return the first value of every tag of this name."""
        return [each[1] for each in self.tags if len(each) > 1 and each[0] == tag]


def signed(key: PrivateKey, kind: int, tags: list[list[str]], content: str, now: int) -> dict[str, Any]:
    """Return an event of this key as relays take it."""
    pubkey = key.public_key.format()[1:].hex()
    digest = _digest(pubkey, now, kind, tags, content)
    return {
        "id": digest.hex(),
        "pubkey": pubkey,
        "created_at": now,
        "kind": kind,
        "tags": tags,
        "content": content,
        "sig": key.sign_schnorr(digest).hex(),
    }


def verified(event: Any) -> Event:
    """Return what a relay sent, its id and signature checked; raise WalletMisbehaved."""
    try:
        tags = tuple(tuple(str(value) for value in tag) for tag in event["tags"])
        pubkey, created_at, kind, content = event["pubkey"], event["created_at"], event["kind"], event["content"]
        digest = _digest(pubkey, created_at, kind, event["tags"], content)
        genuine = digest.hex() == event["id"] and PublicKeyXOnly(bytes.fromhex(pubkey)).verify(
            bytes.fromhex(event["sig"]), digest
        )
        if not genuine or len(tags) > MOST_TAGS or not isinstance(content, str):
            raise WalletMisbehaved("an event on the relay is not properly signed")
        return Event(digest, bytes.fromhex(pubkey), int(created_at), int(kind), tags, content)
    except (KeyError, TypeError, ValueError):
        raise WalletMisbehaved("an event on the relay is damaged") from None


def _digest(pubkey: str, created_at: int, kind: int, tags: Any, content: str) -> bytes:
    body = [0, pubkey, created_at, kind, tags, content]
    return hashlib.sha256(json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()).digest()
