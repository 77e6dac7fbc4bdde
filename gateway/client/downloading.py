"""Step 7 from the buyer's side: sealed bytes into a ``.part`` file, group by group, then opened into place.

A lost connection or a killed process costs at most one group.  The output appears whole, under its name, or not at all.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Self

import aiohttp

from bitcache.errors import DatabaseBusy, DiskFull, StorageError, Tampered
from bitcache.sealing.chunks import HEADER_SIZE
from bitcache.sealing.container import Opener, plain_size
from bitcache.sealing.groups import GROUP_SIZE, GroupVerifier, group_offset, parse_groups
from bitcache.sealing.manifest import Manifest
from gateway.client.http import Backoff, GatewayClient, GatewayConfused, GatewayUnreachable
from gateway.client.private_files import sync_folder

_PIECE = 256 * 1024

Progress = Callable[[int, int], None]  #: called with (bytes done, bytes in all)


class TargetExists(StorageError):
    """There is a file of that name already."""

    code = "target_exists"
    hint = "Choose another name with -o, or say --force to replace it."


class PartFile:
    """The sealed bytes that arrived, next to the output; every whole group in it is proven."""

    def __init__(self, target: Path, manifest: Manifest, groups: bytes) -> None:
        """Open or make ``<target>.part`` and keep what is right in it; DatabaseBusy if another run writes it."""
        self.path = target.with_name(f"{target.name}.part")
        self.size = manifest.sealed_size
        self._manifest, self._groups = manifest, groups
        self.offset = 0
        self._file = os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
        try:
            self._lock()
            self._rewind(self._proven_groups())
            if shutil.disk_usage(self.path.parent).free < self.size - self.offset + plain_size(self.size):
                raise DiskFull("there is too little space for the sealed and the opened file")
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
        """The next bytes; raises Tampered and forgets the group that they spoil."""
        try:
            self._verifier.update(data)
        except Tampered as error:
            self._rewind(error.details["group"] or 0)
            raise
        self._file.write(data)
        self.offset += len(data)

    def open_to(self, target: Path, key: bytes, context: bytes, *, force: bool, progress: Progress) -> str:
        """Verify and open everything, put it in place, drop the part file; returns the content's SHA-256 in hex."""
        self._verifier.finalize()
        fresh = target.with_name(f"{target.name}.opening")
        try:
            digest = self._open_into(fresh, Opener(key, context, sealed_size=self.size), progress)
            _put(fresh, target, force)
        finally:
            fresh.unlink(missing_ok=True)
        self.path.unlink()
        sync_folder(target.parent)
        return digest

    def _open_into(self, fresh: Path, opener: Opener, progress: Progress) -> str:
        digest = hashlib.sha256()
        self._file.seek(0)
        with fresh.open("wb") as out:
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
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DatabaseBusy("another download writes this file", hint="Let it finish, or stop it.") from None

    def _proven_groups(self) -> int:
        """How many groups from the start are whole and right."""
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


async def download(gateway: GatewayClient, part: PartFile, file_id: str, claim: str, progress: Progress) -> None:
    """Fill ``part``, however often the connection is lost; raises PaymentRequired when the payment went away."""
    backoff = Backoff()
    while part.offset < part.size:
        before = part.offset
        try:
            await _fetch(gateway, part, file_id, claim, progress)
            lost = GatewayUnreachable("the download ended too early")
        except GatewayUnreachable as error:
            lost = error
        if part.offset > before:
            backoff.progress()
        if part.offset < part.size:
            await backoff.wait(lost)


async def _fetch(gateway: GatewayClient, part: PartFile, file_id: str, claim: str, progress: Progress) -> None:
    wanted = {"Range": f"bytes={part.offset}-"} if part.offset else {}
    async with gateway.open("GET", f"/files/{file_id}/bytes", bearer=claim, headers=wanted) as response:
        _check_range(response, part.offset)
        async for piece in response.content.iter_chunked(_PIECE):
            part.write(piece)
            progress(part.offset, part.size)


def _check_range(response: aiohttp.ClientResponse, offset: int) -> None:
    given = response.headers.get("Content-Range", "")
    if offset and not given.startswith(f"bytes {offset}-"):
        raise GatewayConfused("the gateway does not resume where it was asked to")


def _put(fresh: Path, target: Path, force: bool) -> None:
    """Rename into place; without ``force`` by a hard link, which never replaces a file that appeared meanwhile."""
    if not force:
        try:
            target.hardlink_to(fresh)
            return
        except FileExistsError:
            raise TargetExists(f"{target.name} is there already") from None
        except OSError:  # a file system without hard links
            refuse_existing(target, force)
    fresh.replace(target)


def refuse_existing(target: Path, force: bool) -> None:
    """Raise TargetExists unless the name is free or may be replaced."""
    if not force and os.path.lexists(target):
        raise TargetExists(f"{target.name} is there already")
