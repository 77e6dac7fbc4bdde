"""Where the opened file goes, and the files of a purchase beside it.

Those bear names of our own, ``.<name>.<file id>.bitcache-part`` and ``-opening``; no other file is ever written to, and
no link followed.  The output appears whole, under its name, or not at all.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from pathlib import Path

from bitcache.errors import DiskFull, StorageError
from bitcache.sealing.container import plain_size
from bitcache.sealing.manifest import Manifest
from bitcache.storage.durable_files import place_new
from gateway.client.errors import TargetExists

_LONGEST = 200  #: bytes of the output's name in ours


def own_path(target: Path, manifest: Manifest, what: str) -> Path:
    """Return where a purchase keeps its ``what`` beside ``target``."""
    name = os.fsdecode(os.fsencode(target.name)[:_LONGEST])
    return target.with_name(f".{name}.{manifest.file_id}.bitcache-{what}")


def refuse_full(target: Path, manifest: Manifest) -> None:
    """Raise DiskFull unless the sealed and the opened file fit, beside what is there already."""
    there = own_path(target, manifest, "part")
    have = min(there.lstat().st_size, manifest.sealed_size) if os.path.lexists(there) else 0
    need = manifest.sealed_size - have + plain_size(manifest.sealed_size)
    free = shutil.disk_usage(target.parent).free
    if free < need:
        raise DiskFull(
            f"the sealed and the opened file need {need / 1e9:,.1f} GB, and {free / 1e9:,.1f} GB are free",
            hint="Nothing was paid. Free some space, or choose a folder on another disk with -o.",
        )


def open_own(path: Path) -> int:
    """Return a descriptor of a file that has this name alone; raise StorageError for a link, a pipe and the like."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            raise _not_ours(path) from None
        raise
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        os.close(descriptor)
        raise _not_ours(path)
    return descriptor


def _not_ours(path: Path) -> StorageError:
    return StorageError(f"{path.name} is not a file of ours", hint="Move it away, then run the command again.")


def put(fresh: Path, target: Path, force: bool) -> None:
    """Rename into place; without ``force`` never replacing a file that appeared meanwhile."""
    if not force:
        try:
            place_new(fresh, target)
            return
        except FileExistsError:
            raise TargetExists(f"{target.name} is there already") from None
    fresh.replace(target)


def refuse_existing(target: Path, force: bool) -> None:
    """Raise TargetExists unless the name is free or may be replaced."""
    if not force and os.path.lexists(target):
        raise TargetExists(f"{target.name} is there already")
