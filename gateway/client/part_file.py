"""The files of a purchase: sealed bytes as they arrive, and the opened file before it is in place."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Self

from bitcache.errors import DatabaseBusy, SealedWrongly, SealingError, Tampered
from bitcache.sealing.chunk_cipher import HEADER_SIZE
from bitcache.sealing.container import Opener
from bitcache.sealing.hash_groups import GROUP_SIZE, GroupVerifier, group_offset, parse_groups
from bitcache.sealing.manifest import Manifest
from bitcache.storage.durable_files import lock, sync_folder
from gateway.client.output_file import open_own, own_path, put

Progress = Callable[[int, int], None]  #: called with (bytes done, bytes in all)


class PartFile:
    """The sealed bytes that arrived, next to the output; every whole group in it is proven."""

    def __init__(self, target: Path, manifest: Manifest, groups: bytes) -> None:
        """Open or make it, and keep what is right in it; DatabaseBusy if another run writes it."""
        self.path = own_path(target, manifest, "part")
        self.size = manifest.sealed_size
        self._manifest, self._groups = manifest, groups
        self.offset = 0
        self.kept = True  #: False: the file system does not promise to keep the opened file's name
        self._file = os.fdopen(open_own(self.path), "r+b")
        try:
            self._lock()
            self._rewind(self._proven_groups())
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close it; what never received a byte leaves nothing behind."""
        if not self.offset:
            self.path.unlink(missing_ok=True)
        self._file.close()

    def write(self, data: bytes) -> None:
        """Take the next bytes; raise Tampered and forgets the group that they spoil."""
        try:
            self._verifier.update(data)
        except Tampered as error:
            self._rewind(error.details["group"] or 0)
            raise
        self._file.write(data)
        self.offset += len(data)

    def open_to(self, target: Path, key: bytes, context: bytes, *, force: bool, progress: Progress) -> str:
        """Verify and open everything, put it in place, drop the part file; return the content's SHA-256 in hex.

        Raise SealedWrongly, and keep the part file as evidence, when the seller signed what does not open.
        """
        self._verifier.finalize()
        fresh = own_path(target, self._manifest, "opening")
        fresh.unlink(missing_ok=True)  # of a run that was killed: this one holds the lock
        out = os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666), "wb")
        try:
            with out:
                digest = self._open_into(out, Opener(key, context, sealed_size=self.size), progress)
            put(fresh, target, force)
        except SealingError as error:
            raise self._blame(error) from None
        finally:
            fresh.unlink(missing_ok=True)
        self.kept = sync_folder(target.parent)
        self.path.unlink(missing_ok=True)
        return digest

    def _blame(self, error: SealingError) -> SealingError:
        """Return whose fault it is that the file does not open: the disk's here, or the seller's."""
        self._file.seek(0)
        if group_offset(self._proven_groups()) < self.size:
            return error
        return SealedWrongly(f"the bytes are those that the seller signed, and yet they do not open: {error}")

    def _open_into(self, out: BinaryIO, opener: Opener, progress: Progress) -> str:
        digest = hashlib.sha256()
        self._file.seek(0)
        while piece := self._file.read(GROUP_SIZE):
            plain = opener.update(piece)
            digest.update(plain)
            out.write(plain)
            progress(self._file.tell(), self.size)
        plain = opener.finalize()
        digest.update(plain)
        out.write(plain)
        out.flush()
        os.fsync(out.fileno())
        return digest.hexdigest()

    def _lock(self) -> None:
        try:
            lock(self._file.fileno())
        except BlockingIOError:
            raise _busy() from None
        if not os.fstat(self._file.fileno()).st_nlink:
            raise _busy()  # it ended this moment, and took the file away

    def _proven_groups(self) -> int:
        """Return how many groups from the start are whole and right."""
        if self._file.read(HEADER_SIZE) != self._manifest.header:
            return 0
        proven = 0
        for expected in parse_groups(self._groups, self._manifest):
            if hashlib.sha256(self._file.read(GROUP_SIZE)).digest() != expected:
                break
            proven += 1
        return proven

    def _rewind(self, groups: int) -> None:
        """Keep that many groups and go on behind them."""
        self.offset = min(group_offset(groups), self.size) if groups else 0
        self._file.truncate(self.offset)
        self._file.seek(self.offset)
        self._verifier = GroupVerifier(self._manifest, self._groups, groups)


def _busy() -> DatabaseBusy:
    return DatabaseBusy("another download writes this file", hint="Let it finish, or stop it.")
