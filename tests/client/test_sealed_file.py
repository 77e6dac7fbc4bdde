"""A file sealed where it is read: the same bytes as sealed whole, from any offset, in any pieces."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from bitcache.sealing.chunks import CHUNK_SIZE, HEADER_SIZE
from bitcache.sealing.container import Opener, sealed_size
from bitcache.sealing.groups import GROUP_SIZE, GroupHasher
from gateway.client.sealed_file import SealedFile, SourceChanged

KEY, CONTEXT = bytes(16), b"test"


def file_of(folder: Path, size: int) -> Path:
    """A file of random content."""
    path = folder / "plain"
    path.write_bytes(os.urandom(size))
    return path


@pytest.mark.parametrize(
    "size", [0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 64 * CHUNK_SIZE, 130 * CHUNK_SIZE + 5]
)
@pytest.mark.parametrize("piece", [1000, 16_400, GROUP_SIZE, 3 * GROUP_SIZE + 11])
def test_pieces_make_the_whole(tmp_path: Path, size: int, piece: int) -> None:
    path = file_of(tmp_path, size)
    sealed = SealedFile(path, KEY, CONTEXT)
    parts = []
    while (offset := sum(map(len, parts))) < sealed.size:
        parts.append(bytes(sealed.read(offset, piece)))
    whole = b"".join(parts)
    assert len(whole) == sealed.size == sealed_size(size)
    opener = Opener(KEY, CONTEXT, sealed_size=len(whole))
    assert opener.update(whole) + opener.finalize() == path.read_bytes()
    hasher = GroupHasher()
    hasher.update(whole[HEADER_SIZE:])
    assert sealed.group_hashes() == hasher.finalize()
    sealed.close()


def test_going_back_gives_the_same_bytes_and_hashes_them_once(tmp_path: Path) -> None:
    sealed = SealedFile(file_of(tmp_path, 3 * 2**20 + 9), KEY, CONTEXT)
    whole = bytes(sealed.read(0, sealed.size))
    hashes = list(sealed.group_hashes())
    dice = random.Random(7)
    for _ in range(50):
        offset, length = dice.randrange(sealed.size), dice.randrange(1, 100_000)
        assert bytes(sealed.read(offset, length)) == whole[offset : offset + length][: sealed.size - offset]
    assert sealed.group_hashes() == hashes
    sealed.close()


def test_a_first_reading_goes_in_order(tmp_path: Path) -> None:
    sealed = SealedFile(file_of(tmp_path, 100_000), KEY, CONTEXT)
    with pytest.raises(ValueError, match="in order"):
        sealed.read(50_000, 10)
    sealed.close()


@pytest.mark.parametrize("change", [b"", b"longer than before"])
def test_a_changed_file_is_never_sealed_under_the_same_key(tmp_path: Path, change: bytes) -> None:
    path = file_of(tmp_path, 100_000)
    sealed = SealedFile(path, KEY, CONTEXT)
    sealed.read(0, 50_000)
    path.write_bytes(change)
    with pytest.raises(SourceChanged):
        sealed.read(50_000, 50_000)
    sealed.close()
