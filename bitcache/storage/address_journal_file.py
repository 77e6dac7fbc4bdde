"""A small file of marks: ``<account> <number>`` per line, the last line of an account counts.

Every write is on disk when the call returns.  A last line without its end was never relied on.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bitcache.errors import DatabaseUnusable, DiskFull, StorageError
from bitcache.storage.durable_files import sync_folder

_LINE = re.compile(r"([0-9a-f]{32}) (\d{1,10})")
_HINT = "This file keeps addresses from being given out twice: restore its newest copy, or repair the line."


def read_marks(path: Path) -> dict[str, int]:
    """Return every account's last mark; nothing when there is no file; raise DatabaseUnusable when it is damaged."""
    try:
        text = path.read_text(encoding="ascii")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise DatabaseUnusable(f"{path.name} cannot be read", hint=_HINT) from error
    marks: dict[str, int] = {}
    for number, line in enumerate(text.split("\n")[:-1], 1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise DatabaseUnusable(f"line {number} of {path.name} is damaged", hint=_HINT)
        marks[match[1]] = int(match[2])
    return marks


def write_marks(path: Path, marks: Mapping[str, int]) -> None:
    """Replace the file; raise StorageError, and then the old one stands."""
    part = path.with_name(f"{path.name}.part")
    with _translated():
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            _write(descriptor, "".join(f"{name} {mark}\n" for name, mark in sorted(marks.items())))
        finally:
            os.close(descriptor)
        part.replace(path)
        sync_folder(path.parent)


def append_mark(path: Path, name: str, mark: int) -> None:
    """Add a line to the file, which is there; raise StorageError, and then nothing was added."""
    with _translated():
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
        try:
            size = os.fstat(descriptor).st_size
            try:
                _write(descriptor, f"{name} {mark}\n")
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(descriptor, size)
                raise
        finally:
            os.close(descriptor)


def _write(descriptor: int, text: str) -> None:
    data = text.encode("ascii")
    if os.write(descriptor, data) != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(descriptor)


@contextmanager
def _translated() -> Iterator[None]:
    """Raise the system's errors as ours; never with a path."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DiskFull("the disk that holds the address journal is full") from error
        raise StorageError(f"the address journal cannot be written: {error.strerror}") from error
