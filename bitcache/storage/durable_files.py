"""Names that survive a power cut, and locks, on file systems that differ.

Network, FUSE and memory-card file systems may refuse to fsync a folder, to lock a file or to make a hard link.  That
is no failure of ours: it is told to the caller, who goes on.  EIO and the like are failures, and raised.
"""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

#: As PostgreSQL has it for folders (src/common/file_utils.c, fsync_fname), and what FUSE answers.
_NO_FOLDER_SYNC = {errno.EBADF, errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}
_NO_FOLDER_OPEN = {errno.EISDIR, errno.EACCES}
_NO_LOCKS = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK}
_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK}


def sync_folder(path: Path) -> bool:
    """Bring the names in a folder to the disk; return False where the file system does not do that.

    Raise OSError when it tried and failed.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError as error:
        if error.errno in _NO_FOLDER_OPEN:
            return False
        raise
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno in _NO_FOLDER_SYNC:
            return False
        raise
    finally:
        os.close(descriptor)
    return True


def lock(descriptor: int, *, wait: bool = False) -> bool:
    """Lock an open file or folder for this process alone; return False where the file system has no locks.

    Raise BlockingIOError when another holds it (unless ``wait``), and OSError when it cannot be told.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return False
        raise
    return True


def place_new(fresh: Path, target: Path) -> None:
    """Give a finished file its name, without ever replacing another; ``fresh`` may stay, as a second name.

    Raise FileExistsError when the name is taken.
    """
    try:
        target.hardlink_to(fresh)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(target):  # the best there is without hard links
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from None
        fresh.rename(target)
