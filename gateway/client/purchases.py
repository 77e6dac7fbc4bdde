"""The buyer's memory: which claim secrets belong to which file, on disk before anything is paid.

One small JSON file per link, readable by its owner only.  It holds every claim ever made for that file,
newest last, because a payment to an old invoice still releases; and the digest of the manifest that was
bought, so that a later run notices another one.  It does not hold the link.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from bitcache.errors import StorageError
from bitcache.identifiers import new_secret
from bitcache.sealing.link import Link
from gateway.client.private_files import write_private


def default_state_dir() -> Path:
    """``~/.local/state/bitcache``, or under ``XDG_STATE_HOME``."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "bitcache"


@dataclass
class Purchases:
    """What is remembered about one link; every change is on disk when the call returns."""

    path: Path
    claims: list[str]
    manifest_hash: str | None

    @classmethod
    def of(cls, link: Link, state_dir: Path) -> Purchases:
        """What earlier runs remembered; raises StorageError when the file is damaged."""
        gateway = hashlib.sha256(link.gateway.encode()).hexdigest()[:8]
        path = state_dir / "purchases" / f"{link.file_id}.{gateway}.json"
        if not path.exists():
            return cls(path, [], None)
        try:
            found = json.loads(path.read_bytes())
            return cls(path, [str(claim) for claim in found["claims"]], found["manifest_hash"])
        except (ValueError, KeyError, TypeError):
            raise StorageError(f"{path} is damaged", hint="Move it away; it holds the claims of this file.") from None

    def pin(self, manifest_text: str) -> bool:
        """Remember the manifest that is being bought; False when another one was bought before."""
        digest = hashlib.sha256(manifest_text.encode()).hexdigest()
        if self.manifest_hash is None:
            self.manifest_hash = digest
            self._save()
        return self.manifest_hash == digest

    def new_claim(self) -> str:
        """A fresh claim secret, remembered before anyone hears of it."""
        claim = new_secret()
        self.claims.append(claim)
        self._save()
        return claim

    def _save(self) -> None:
        text = json.dumps({"v": 1, "claims": self.claims, "manifest_hash": self.manifest_hash}, indent=1)
        write_private(self.path, text, replace=True)
