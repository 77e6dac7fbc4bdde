"""A disk that is soon full."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SIZE = 1 << 20


@dataclass(frozen=True)
class SmallDisk:
    """A folder that takes about 1 MiB, until ``free()`` makes room."""

    folder: Path
    free: Callable[[], object]


@contextmanager
def mount_small_disk(folder: Path) -> Iterator[SmallDisk]:
    """A small file system if we may mount one; else the kernel's limit on the size of our files."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode == 0:
        more = ["mount", "-o", "remount,size=64m", str(folder)]
        yield SmallDisk(folder, lambda: subprocess.run(more, check=True))
        subprocess.run(["umount", "-l", str(folder)], check=True)
        return
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SIZE, before[1]))
    yield SmallDisk(folder, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
