"""Files that only their owner may read, written whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from bitcache.errors import Denied, StorageError
from bitcache.storage.durable_files import place_new, sync_folder


def write_private(path: Path, text: str, *, replace: bool) -> None:
    """``text`` into ``path``, mode 0600, on disk when it returns; FileExistsError when it may not be replaced."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            fresh.replace(path)
        else:
            place_new(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
    sync_folder(path.parent)


def read_private(path: Path, what: str) -> str:
    """Return the text of a secret file without the blanks around it; Denied when other users may read it."""
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode & 0o777
            text = file.read(4096).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"the {what} in {path} cannot be read", hint="Check the path and its owner.") from error
    if os.name == "posix" and mode & 0o077:
        raise Denied(f"the {what} in {path} is open to other users", hint=f"Run: chmod 600 {path}")
    return text
