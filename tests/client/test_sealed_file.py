"""A file sealed where it is read: the same bytes as sealed whole, from any offset, in any pieces."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

from bitcache.sealing.chunk_cipher import CHUNK_SIZE, HEADER_SIZE
from bitcache.sealing.container import Opener, sealed_size
from bitcache.sealing.hash_groups import GROUP_SIZE, GroupHasher
from gateway.client.errors import NotAFile, SizeUnknown, SourceChanged, SourceUnreadable
from gateway.client.plain_file import PlainFile, open_regular, state_of
from gateway.client.sealed_file import SealedFile

KEY, CONTEXT = bytes(16), b"test"


def sealing(path: Path) -> SealedFile:
    """A file's sealed form."""
    return SealedFile(PlainFile(open_regular(path)), KEY, CONTEXT)


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
    sealed = sealing(path)
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
    sealed = sealing(file_of(tmp_path, 3 * 2**20 + 9))
    whole = bytes(sealed.read(0, sealed.size))
    hashes = list(sealed.group_hashes())
    dice = random.Random(7)
    for _ in range(50):
        offset, length = dice.randrange(sealed.size), dice.randrange(1, 100_000)
        assert bytes(sealed.read(offset, length)) == whole[offset : offset + length][: sealed.size - offset]
    assert sealed.group_hashes() == hashes
    sealed.close()


def test_a_first_reading_goes_in_order(tmp_path: Path) -> None:
    sealed = sealing(file_of(tmp_path, 100_000))
    with pytest.raises(ValueError, match="in order"):
        sealed.read(50_000, 10)
    sealed.close()


@pytest.mark.parametrize("change", [b"", b"longer than before"])
def test_a_changed_file_is_never_sealed_under_the_same_key(tmp_path: Path, change: bytes) -> None:
    path = file_of(tmp_path, 100_000)
    sealed = sealing(path)
    sealed.read(0, 50_000)
    path.write_bytes(change)
    with pytest.raises(SourceChanged):
        sealed.read(50_000, 50_000)
    sealed.close()


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="no /proc here")
def test_a_file_that_holds_more_than_its_size_says_is_refused() -> None:
    """/proc says 0 for all its files, as some FUSE and cloud folders do."""
    with pytest.raises(SizeUnknown) as raised:
        sealing(Path("/proc/version"))
    assert "copy" in raised.value.advice.lower()


@pytest.mark.skipif(not Path("/sys/kernel/mm/transparent_hugepage/enabled").exists(), reason="no /sys here")
def test_a_file_that_holds_less_than_its_size_says_is_refused() -> None:
    """/sys says 4096 for files of some bytes."""
    with pytest.raises(SizeUnknown):
        sealing(Path("/sys/kernel/mm/transparent_hugepage/enabled"))


@pytest.mark.parametrize("what", ["pipe", "device", "folder"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, what: str) -> None:
    """Opening a pipe that nobody writes to would wait for ever."""
    os.mkfifo(tmp_path / "pipe")
    path = {"pipe": tmp_path / "pipe", "device": Path("/dev/zero"), "folder": tmp_path}[what]
    with pytest.raises(NotAFile):
        sealing(path)


@pytest.mark.parametrize("size", [CHUNK_SIZE, CHUNK_SIZE + 5, 100_000])
@pytest.mark.parametrize("grown", [-1, 1])
def test_bytes_that_come_or_go_without_a_trace_are_noticed(tmp_path: Path, size: int, grown: int) -> None:
    """A filesystem may keep time and size as they were (FUSE): what counts is how much was read."""
    path = file_of(tmp_path, size)
    plain = PlainFile(open_regular(path))
    sealed = SealedFile(plain, KEY, CONTEXT)
    with path.open("r+b") as file:
        file.truncate(size + grown)
    plain._state = state_of(plain._file)
    with pytest.raises(SourceChanged):
        sealed.read(0, sealed.size)
    sealed.close()


def open_memory(pid: int) -> BinaryIO:
    """A file whose first byte cannot be read: EIO."""
    return Path(f"/proc/{pid}/mem").open("rb")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="no /proc here")
def test_a_file_that_fails_while_it_is_read_has_its_own_error(tmp_path: Path) -> None:
    """An error of the disk says so, and is no fault of the gateway."""
    path = file_of(tmp_path, 100_000)
    plain = PlainFile(open_regular(path))
    sealed = SealedFile(plain, KEY, CONTEXT)
    plain.close()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    plain._file = open_memory(child.pid)
    plain._state = state_of(plain._file)
    try:
        with pytest.raises(SourceUnreadable, match="could not be read"):
            sealed.read(0, 1000)
    finally:
        child.communicate(b"\n")
        sealed.close()
