"""Loaded by a Python whose PYTHONPATH begins here: a disk on which fsync of folders, or locks, give an error.

``REFUSE_FOLDER_SYNC`` and ``REFUSE_LOCK`` hold its number, as network and FUSE file systems answer.
"""

import fcntl
import os
import stat

_fsync, _flock = os.fsync, fcntl.flock


def _error(variable: str) -> OSError:
    number = int(os.environ[variable])
    return OSError(number, os.strerror(number))


def fsync(descriptor: int) -> None:
    if "REFUSE_FOLDER_SYNC" in os.environ and stat.S_ISDIR(os.fstat(descriptor).st_mode):
        raise _error("REFUSE_FOLDER_SYNC")
    _fsync(descriptor)


def flock(file: int, operation: int) -> None:
    if "REFUSE_LOCK" in os.environ:
        raise _error("REFUSE_LOCK")
    _flock(file, operation)


os.fsync, fcntl.flock = fsync, flock
