"""Whether this data folder is the newest one: what the last run left behind, and what no backup holds.

A database and an address journal that were restored together agree with each other, and know nothing of the addresses
that were shown after they were saved.  What tells is outside of them:

* a copy of the journal in the machine's memory (``/dev/shm``), which no backup holds, and which is gone after a reboot;
* ``last-run.json`` in the data folder: when and on which machine the last run was, and whether it ended in order.

Where they cannot vouch for the folder, nothing is sold until the operator has answered (``bitcache resume-sales``).
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

import structlog

#: A machine that lost its power may be back within this many seconds; longer ago, a snapshot is as likely.
CRASH_SECONDS = 3_600
#: So long (seconds) a gateway that was stopped in order may stay stopped.
STOPPED_SECONDS = 2 * 86_400
MACHINE_ID = Path("/etc/machine-id")
MEMORY = "/dev/shm"  # noqa: S108  a folder of our own is made there, and checked

log = structlog.get_logger("gateway.config.restored_backup")


@dataclass(frozen=True, slots=True)
class RestoreCheck:
    """What the last run wrote down.  ``at``: Unix seconds; ``doubt``: why nothing is sold, until it is answered."""

    at: int
    ended: bool
    machine: str
    doubt: str | None = None

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """None where there is none, or nothing that can be read: then nobody vouches for the folder by it."""
        try:
            stored = json.loads(path.read_text())
            return cls(int(stored["at"]), bool(stored["ended"]), str(stored["machine"]), stored["doubt"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, path: Path) -> None:
        """Replace the file."""
        part = path.with_name(f"{path.name}.part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(self), file)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)

    def ended_at(self, now: int) -> RestoreCheck:
        """Return the same, ended in order."""
        return replace(self, at=now, ended=True)


def doubt(last: RestoreCheck | None, known_until: int, now: int, *, in_memory: bool) -> str | None:
    """Return why this data folder may be older than what buyers were shown; None when it is (likely) the newest.

    ``known_until``: the time up to which its database knows the chain.  ``in_memory``: the journal's copy in memory is
    there, so the machine was not restarted since, and no address is missing.
    """
    if last is not None and last.doubt is not None:
        return last.doubt
    if in_memory:
        return None
    if last is None:
        return "nothing says when it was used last (last-run.json is not there, as in a backup)"
    if last.machine and machine() and last.machine != machine():
        return "it was used on another machine before"
    age = now - max(known_until, last.at)
    if age <= (STOPPED_SECONDS if last.ended else CRASH_SECONDS):
        return None
    how = "is" if last.ended else "did not end in order, and is"
    return f"its last run {how} {age // 3600} hours ago"


def machine() -> str:
    """Return a name of this machine that tells nobody which it is; empty where there is none."""
    try:
        machine_id = MACHINE_ID.read_bytes().strip()
    except OSError:
        return ""
    return hashlib.sha256(b"bitcache/v1 machine" + machine_id).hexdigest()[:32] if machine_id else ""


def copy_in_memory(master_key: Path) -> Path | None:
    """Return where the journal's copy of this installation lies; None where there is no such memory.

    ``RUNTIME_DIRECTORY`` (systemd) goes before ``/dev/shm``.  Raise OSError when the master key cannot be read.
    """
    base = os.environ.get("RUNTIME_DIRECTORY", MEMORY).partition(":")[0]
    folder = Path(base) / f"bitcache-{os.geteuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError:
        return None
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        log.warning("memory_not_ours", folder=str(folder), hint="Remove it: it belongs to somebody else.")
        return None
    return folder / hashlib.sha256(b"bitcache/v1 installation" + master_key.read_bytes()).hexdigest()[:32]
