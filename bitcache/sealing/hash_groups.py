"""Hashes over groups of 64 sealed chunks, so that bytes are checked while they arrive (docs/protocol.md §5).

group g    = sealed[56 + g·1049600 : 56 + (g+1)·1049600]
group_root = SHA-256("bitcache/v1 groups" ‖ group hash 0 ‖ group hash 1 ‖ …)
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from bitcache.errors import InvalidManifest, Tampered, TrailingBytes, Truncated
from bitcache.sealing.chunk_cipher import HEADER_SIZE, SEALED_CHUNK_SIZE, Buffer
from bitcache.sealing.manifest import Manifest
from bitcache.sealing.sticky_errors import StickyErrors

GROUP_SIZE = 64 * SEALED_CHUNK_SIZE  #: 1 049 600 sealed bytes
HASH_SIZE = 32


def group_count(sealed_size: int) -> int:
    """Return how many groups a sealed file of that many bytes has; at least one."""
    return -(-(sealed_size - HEADER_SIZE) // GROUP_SIZE)


def group_offset(group: int) -> int:
    """Return where group ``group`` starts in the sealed file, in bytes: downloads resume there."""
    return HEADER_SIZE + group * GROUP_SIZE


def group_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root that the manifest signs."""
    return hashlib.sha256(b"bitcache/v1 groups" + b"".join(hashes)).digest()


def parse_groups(raw: bytes, manifest: Manifest) -> list[bytes]:
    """Return the list as it travels, checked against the signed root; InvalidManifest when it does not fit."""
    hashes = [raw[start : start + HASH_SIZE] for start in range(0, len(raw), HASH_SIZE)]
    if len(raw) != HASH_SIZE * group_count(manifest.sealed_size) or group_root(hashes) != manifest.group_root:
        raise InvalidManifest("the group hashes are not the signed ones")
    return hashes


class GroupHasher:
    """Hashes sealed bytes as they pass: ``update`` from the first byte *after* the 56-byte header, then ``finalize``.

    To go on at group g, give the hashes of the groups before it and feed from ``group_offset(g)`` on.
    """

    def __init__(self, done: Sequence[bytes] = (), on_group: Callable[[int, bytes], None] | None = None) -> None:
        """``on_group(number, hash)`` is called as each group ends."""
        self._hashes = list(done)
        self._on_group = on_group
        self._current = hashlib.sha256()
        self._filled = 0

    def update(self, data: Buffer) -> None:
        """Take the next sealed bytes, in pieces of any size."""
        view = memoryview(data)
        while len(view):
            piece = view[: GROUP_SIZE - self._filled]
            self._current.update(piece)
            self._filled += len(piece)
            view = view[len(piece) :]
            if self._filled == GROUP_SIZE:
                self._end_group()

    def finalize(self) -> list[bytes]:
        """Return all group hashes, the last group's included."""
        if self._filled:
            self._end_group()
        return self._hashes

    def _end_group(self) -> None:
        digest = self._current.digest()
        self._current, self._filled = hashlib.sha256(), 0
        self._hashes.append(digest)
        if self._on_group is not None:
            self._on_group(len(self._hashes) - 1, digest)


class GroupVerifier(StickyErrors):
    """Checks sealed bytes against a signed manifest, without any key, as they arrive.

    Feed from sealed offset 0, or with ``first_group`` = g > 0 from ``group_offset(g)``.  Raises Tampered with the
    group's number (``details["group"]``; None for the header), TrailingBytes, and at the end Truncated;
    from then on the same error for every call.
    """

    def __init__(self, manifest: Manifest, groups: bytes, first_group: int = 0) -> None:
        """``groups`` is the raw list beside the manifest; InvalidManifest when it is not the signed one."""
        self._hashes = parse_groups(groups, manifest)
        self._header = b"" if first_group else manifest.header
        self._size = manifest.sealed_size
        self._position = group_offset(first_group) if first_group else 0
        self._hasher = GroupHasher(self._hashes[:first_group], self._check)

    def update(self, data: Buffer) -> None:
        """Take the next sealed bytes, in pieces of any size."""
        with self._lasting():
            view = memoryview(data)
            self._position += len(view)
            if self._position > self._size:
                raise TrailingBytes
            self._hasher.update(self._without_header(view))

    def finalize(self) -> None:
        """End the file; after this every byte is proven."""
        with self._lasting():
            if self._position < self._size:
                raise Truncated(f"{self._size - self._position} bytes are missing")
            self._hasher.finalize()

    def _without_header(self, view: memoryview) -> memoryview:
        head = view[: len(self._header)]
        if head != self._header[: len(head)]:
            raise Tampered("the header is not the signed one", group=None)
        self._header = self._header[len(head) :]
        return view[len(head) :]

    def _check(self, number: int, digest: bytes) -> None:
        if digest != self._hashes[number]:
            raise Tampered(f"group {number} is not what was sealed", group=number)
