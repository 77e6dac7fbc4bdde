"""The key that signs a seller's manifests: an Ed25519 seed in a file that only the seller may read.

It signs nothing but manifests, and has nothing to do with coins.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from bitcache.identifiers import b64u, unb64u
from gateway.client.private_files import read_private, write_private

SEED_BYTES = 32


def default_path() -> Path:
    """``~/.config/bitcache/seller.key``, or under ``XDG_CONFIG_HOME``."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "bitcache" / "seller.key"


def load_or_create(path: Path) -> bytes:
    """Return the seed, 32 bytes; made on first use.  Raise Denied when other users may read it."""
    if not path.exists():
        # Two first runs at once: whoever comes second reads what the first one wrote.
        with suppress(FileExistsError):
            write_private(path, b64u(secrets.token_bytes(SEED_BYTES)) + "\n", replace=False)
    return unb64u(read_private(path, "signing key"), SEED_BYTES, "signing key")
