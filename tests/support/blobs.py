"""What tests look at in a blob store, and where a directory keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bitcache.blob_store import BlobStore
from bitcache.errors import NotFound
from bitcache.identifiers import FileId


async def bytes_of(blobs: BlobStore, file_id: FileId) -> bytes:
    """All that arrived."""
    collected: list[bytes] = []

    def keep(pieces: Iterator[bytes]) -> None:
        collected.extend(pieces)

    await blobs.verify(file_id, keep)
    return b"".join(collected)


def is_there(blobs: BlobStore, file_id: FileId) -> bool:
    """Anything of it."""
    try:
        blobs.arrived(file_id)
    except NotFound:
        return False
    return True


def is_whole(blobs: BlobStore, file_id: FileId) -> bool:
    """All of it, committed."""
    try:
        blobs.size(file_id)
    except NotFound:
        return False
    return True


def part_path(root: Path, file_id: str) -> Path:
    """Where a directory keeps an upload."""
    return root / "parts" / file_id


def whole_path(root: Path, file_id: str) -> Path:
    """Where a directory keeps a whole file."""
    return root / "objects" / file_id[:2] / file_id
