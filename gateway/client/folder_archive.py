"""A folder as one uncompressed ZIP (ZIP64 where it must be) that is never written down: packed where it is read.

The module zipfile makes everything that stands around the files; their bytes are read in place.  A file's
checksum follows it (APPNOTE.TXT 4.3.9), so that a first reading in order is enough.  Names and contents alone decide
what the archive holds: no dates, owners or permissions of the seller's machine.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from bisect import bisect_right
from dataclasses import dataclass
from typing import BinaryIO

from gateway.client.errors import NotAFile, SourceChanged
from gateway.client.folder_members import Member
from gateway.client.plain_file import PlainFile, open_regular, state_of

_DESCRIPTOR = b"PK\x07\x08"
_READABLE = 0o100644 << 16  #: an ordinary file that everybody may read


@dataclass(frozen=True, slots=True)
class _Part:
    """Bytes that stand one after the other: those of ``member``, its checksum, or what zipfile wrote."""

    start: int
    size: int
    written: bytes = b""
    member: int | None = None


class _Frame:
    """What zipfile writes to: it keeps the parts, and counts the contents that are not given to it."""

    def __init__(self) -> None:
        self.parts: list[_Part] = []
        self.end = 0

    def write(self, data: bytes, /) -> int:
        """Keep what stands around the files."""
        self.parts.append(_Part(self.end, len(data), bytes(data)))
        self.end += len(data)
        return len(data)

    def skip(self, size: int, member: int) -> None:
        """Leave room for a file."""
        self.parts.append(_Part(self.end, size, member=member))
        self.end += size

    def tell(self) -> int:
        """Return where the next byte goes; that nothing goes back makes zipfile put checksums behind the files."""
        return self.end

    def flush(self) -> None:
        """Nothing waits to be written."""

    def close(self) -> None:
        """Nothing is open."""


class FolderArchive:
    """The archive of some files, readable at any offset up to the furthest that was read before."""

    def __init__(self, members: list[Member]) -> None:
        self._members = members
        self._checksums = [0] * len(members)
        self._summed = [0] * len(members)
        self._unknown = sum(member.size > 0 for member in members)
        self._open: tuple[int, PlainFile] | None = None
        self._lay_out()

    def close(self) -> None:
        """Close the file that was read last."""
        if self._open is not None:
            self._open[1].close()
            self._open = None

    def read(self, offset: int, length: int) -> bytes:
        """Return bytes from ``offset``; raise SourceChanged, SourceUnreadable, OSError."""
        pieces, stop = [], min(offset + length, self.size)
        while offset < stop:
            index = bisect_right(self._starts, offset) - 1
            part = self._parts[index]
            piece = self._within(index, offset - part.start, min(stop, part.start + part.size) - part.start)
            pieces.append(piece)
            offset += len(piece)
        return b"".join(pieces)

    def _lay_out(self) -> None:
        """Have zipfile write everything but the files, with the checksums that are known so far."""
        frame = _Frame()
        with zipfile.ZipFile(frame, "w", zipfile.ZIP_STORED) as archive:
            for number, member in enumerate(self._members):
                info = zipfile.ZipInfo(member.name)
                info.external_attr, info.file_size = _READABLE, member.size
                with archive.open(info, "w"):
                    frame.skip(member.size, number)
                frame.parts.append(self._descriptor(frame.parts.pop(), number))
                info.file_size = info.compress_size = member.size
                info.CRC = self._checksums[number]
        self._parts = [part for part in frame.parts if part.size]
        self._starts, self.size = [part.start for part in self._parts], frame.end

    def _descriptor(self, written: _Part, number: int) -> _Part:
        """Return what follows a file: zipfile saw no content, so checksum and sizes are put in here."""
        member, sizes = self._members[number], "<LQQ" if written.size == struct.calcsize("<LLQQ") else "<LLL"
        numbers = struct.pack(sizes, self._checksums[number], member.size, member.size)
        return _Part(written.start, written.size, _DESCRIPTOR + numbers)

    def _within(self, index: int, start: int, stop: int) -> bytes:
        """Return some of a part's bytes."""
        part = self._parts[index]
        if part.member is None:
            return part.written[start:stop]
        content = self._file(part.member).read(start, stop - start)
        summed = self._summed[part.member]
        if start <= summed < stop:
            self._checksums[part.member] = zlib.crc32(content[summed - start :], self._checksums[part.member])
            self._summed[part.member] = stop
            if stop == part.size:
                self._tell_checksum(index, part.member)
        return content

    def _tell_checksum(self, index: int, number: int) -> None:
        """Put a file's checksum behind it, and after the last file all of them into the directory at the end."""
        self._parts[index + 1] = self._descriptor(self._parts[index + 1], number)
        self._unknown -= 1
        if not self._unknown:
            self._lay_out()

    def _file(self, number: int) -> PlainFile:
        """Return a file, opened unless it is the one that was read last; raise SourceChanged."""
        if self._open is None or self._open[0] != number:
            self.close()
            self._open = number, PlainFile(_unchanged(self._members[number]))
        return self._open[1]


def _unchanged(member: Member) -> BinaryIO:
    try:
        file = open_regular(member.path)
    except (FileNotFoundError, NotAFile):
        raise SourceChanged(f"{member.name} is no longer there") from None
    if state_of(file) != member.state:
        file.close()
        raise SourceChanged(f"{member.name} changed while the folder was being sealed")
    return file
