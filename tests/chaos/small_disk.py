"""A folder whose disk can be filled: a small tmpfs where we may mount one, else a limit on the gateway's file sizes."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import subprocess
import time
from pathlib import Path

SIZE = "96m"


class SmallDisk:
    """``folder`` is on it; :meth:`fill` leaves no byte free, :meth:`empty` takes that back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.is_full = False
        self.emptied_at = float("-inf")
        folder.mkdir(parents=True, exist_ok=True)
        self.why_not_mounted = _mount(folder)
        self._ballast = folder / "ballast"

    @property
    def kind(self) -> str:
        """How it is filled, for the report."""
        if not self.why_not_mounted:
            return f"a tmpfs of {SIZE}, filled by a file"
        return f"RLIMIT_FSIZE on the gateway, because no tmpfs can be mounted ({self.why_not_mounted})"

    def fill(self, gateway: int) -> None:
        """From now on every write that needs room fails."""
        self.is_full = True
        if self.why_not_mounted:
            _limit(gateway, _written(self.folder))
            return
        with contextlib.suppress(OSError), self._ballast.open("ab", buffering=0) as file:
            for piece in (1 << 20, 1 << 12):
                _write_until_full(file.fileno(), bytes(piece))

    def empty(self, gateway: int | None) -> None:
        """There is room again."""
        if self.is_full:
            self.is_full, self.emptied_at = False, time.monotonic()
        if not self.why_not_mounted:
            self._ballast.unlink(missing_ok=True)
        elif gateway is not None:
            _limit(gateway, resource.RLIM_INFINITY)

    def close(self) -> None:
        """Unmount."""
        if not self.why_not_mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=False)


def _written(folder: Path) -> int:
    """Bytes of what SQLite writes first: its write-ahead log, or the database when there is none."""
    return max((file.stat().st_size for file in folder.glob("*.sqlite3-wal")), default=0) or 4096


def _mount(folder: Path) -> str:
    """Empty, or the reason why not."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "bitcache-chaos", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return done.stderr.strip() if done.returncode else ""


def _write_until_full(file: int, piece: bytes) -> None:
    try:
        while True:
            os.write(file, piece)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


def _limit(process: int, size: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        resource.prlimit(process, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
