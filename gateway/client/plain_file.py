"""What is sealed, as it lies on the disk: an ordinary file that must not change while it is read."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO, Protocol

from gateway.client.errors import NotAFile, SizeUnknown, SourceChanged, SourceUnreadable


class PlainSource(Protocol):
    """``size`` bytes, readable at any offset up to the furthest that was read before, and always the same."""

    size: int

    def read(self, offset: int, length: int) -> bytes:
        """Return ``length`` bytes, fewer at the end alone; raise SourceChanged, SourceUnreadable."""
        ...

    def close(self) -> None:
        """Let go of what is open."""
        ...


class PlainFile:
    """An open file, whose content stays as it was when this was made."""

    def __init__(self, file: BinaryIO) -> None:
        """Take the file over; raise SizeUnknown when it holds more or less than its size says."""
        self._file, self._state = file, state_of(file)
        self.size = self._state[0]
        if self._read(self.size, 1) or (self.size and not self._read(self.size - 1, 1)):
            file.close()
            raise SizeUnknown("the file does not hold as many bytes as its size says")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def read(self, offset: int, length: int) -> bytes:
        """Return bytes from ``offset``; raise SourceChanged rather than give out two contents, SourceUnreadable."""
        content = self._read(offset, length)
        # What was read counts, not what the filesystem says: the end is asked for beyond the file's own.
        if len(content) != min(length, self.size - offset) or state_of(self._file) != self._state:
            raise SourceChanged
        return content

    def _read(self, offset: int, length: int) -> bytes:
        try:
            self._file.seek(offset)
            return self._file.read(length)
        except OSError as error:
            raise SourceUnreadable(f"the file could not be read: {error.strerror or error}") from None


def state_of(file: BinaryIO) -> tuple[int, int]:
    """Return what changes when somebody writes to an open file: its size, and when that was."""
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns


def open_regular(path: Path) -> BinaryIO:
    """Return the file, opened without waiting for whoever writes to a pipe; raise NotAFile."""
    if stat.S_ISREG(path.stat().st_mode):
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return os.fdopen(descriptor, "rb")
        os.close(descriptor)
    raise NotAFile("this is a pipe, a device or a folder, not a file")
