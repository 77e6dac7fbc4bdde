"""The part file: one writer, only proven groups kept, a full disk said before anything is paid."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from bitcache.errors import DatabaseBusy, DiskFull, SealedWrongly, StorageError, Tampered, Truncated
from bitcache.identifiers import new_file_id
from bitcache.sealing.chunk_cipher import HEADER_SIZE
from bitcache.sealing.container import Sealer
from bitcache.sealing.hash_groups import GROUP_SIZE, GroupHasher, group_root
from bitcache.sealing.manifest import Manifest
from gateway.client.errors import TargetExists
from gateway.client.output_file import own_path, refuse_full
from gateway.client.part_file import PartFile

KEY, CONTEXT, HASH = bytes(16), b"test", bytes(32)
PLAIN = os.urandom(3 * 2**20)


class Sealed(NamedTuple):
    """A sealed file and what its seller signed."""

    data: bytes
    manifest: Manifest
    groups: bytes


@pytest.fixture(scope="module")
def sealed() -> Sealed:
    """Three MiB."""
    sealer = Sealer(KEY, CONTEXT, os.urandom(24))
    data = sealer.update(PLAIN) + sealer.finalize()
    hasher = GroupHasher()
    hasher.update(data[HEADER_SIZE:])
    hashes = hasher.finalize()
    root = group_root(hashes)
    manifest = Manifest(new_file_id(), len(data), data[:HEADER_SIZE], root, HASH, HASH, None, 2500, HASH)
    return Sealed(data, manifest, b"".join(hashes))


def open_part(folder: Path, sealed: Sealed) -> PartFile:
    """The part file of ``folder/out``."""
    return PartFile(folder / "out", sealed.manifest, sealed.groups)


def put_in_place(part: PartFile, folder: Path, *, force: bool = False) -> None:
    """Open it into ``folder/out``."""
    part.open_to(folder / "out", KEY, CONTEXT, force=force, progress=lambda done, total: None)


def names_in(folder: Path) -> list[str]:
    """What is there."""
    return [path.name for path in folder.iterdir()]


def test_in_two_runs(tmp_path: Path, sealed: Sealed) -> None:
    with open_part(tmp_path, sealed) as part:
        part.write(sealed.data[: GROUP_SIZE + 5000])
    with open_part(tmp_path, sealed) as part:
        assert part.offset == HEADER_SIZE + GROUP_SIZE, "what no hash proves is fetched again"
        part.write(sealed.data[part.offset :])
        put_in_place(part, tmp_path)
    assert (tmp_path / "out").read_bytes() == PLAIN
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_what_was_changed_on_disk_is_fetched_again(tmp_path: Path, sealed: Sealed) -> None:
    own_path(tmp_path / "out", sealed.manifest, "part").write_bytes(
        sealed.data[: 2 * GROUP_SIZE] + b"x" + sealed.data[2 * GROUP_SIZE + 1 :],
    )
    with open_part(tmp_path, sealed) as part:
        assert part.offset == HEADER_SIZE + GROUP_SIZE


def test_a_spoiled_group_is_forgotten(tmp_path: Path, sealed: Sealed) -> None:
    spoiled = bytearray(sealed.data)
    spoiled[HEADER_SIZE + GROUP_SIZE + 7] ^= 1
    with open_part(tmp_path, sealed) as part:
        part.write(bytes(spoiled[: 2 * GROUP_SIZE]))
        with pytest.raises(Tampered):
            part.write(bytes(spoiled[2 * GROUP_SIZE :]))
        assert part.offset == HEADER_SIZE + GROUP_SIZE
        part.write(sealed.data[part.offset :])
        put_in_place(part, tmp_path)
    assert (tmp_path / "out").read_bytes() == PLAIN


def test_nothing_is_opened_before_every_byte_is_there(tmp_path: Path, sealed: Sealed) -> None:
    with open_part(tmp_path, sealed) as part:
        part.write(sealed.data[:-1])
        with pytest.raises(Truncated):
            put_in_place(part, tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_file_that_appeared_meanwhile_is_kept(tmp_path: Path, sealed: Sealed) -> None:
    with open_part(tmp_path, sealed) as part:
        part.write(sealed.data)
        (tmp_path / "out").write_text("mine")
        with pytest.raises(TargetExists):
            put_in_place(part, tmp_path)
        assert (tmp_path / "out").read_text() == "mine"
        put_in_place(part, tmp_path, force=True)
    assert (tmp_path / "out").read_bytes() == PLAIN


def test_one_writer(tmp_path: Path, sealed: Sealed) -> None:
    with open_part(tmp_path, sealed), pytest.raises(DatabaseBusy):
        open_part(tmp_path, sealed)


def test_no_room(tmp_path: Path, sealed: Sealed, monkeypatch: pytest.MonkeyPatch) -> None:
    room = shutil.disk_usage(tmp_path)._replace(free=2 * len(PLAIN))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: room)
    with pytest.raises(DiskFull):
        refuse_full(tmp_path / "out", sealed.manifest)
    with open_part(tmp_path, sealed) as part:
        part.write(sealed.data[: 2 * GROUP_SIZE])
        refuse_full(tmp_path / "out", sealed.manifest)


def test_files_of_such_names_are_not_ours(tmp_path: Path, sealed: Sealed) -> None:
    """What the buyer keeps as out.part, out.opening and the like is never touched."""
    for name in ("out.part", "out.opening", "part"):
        (tmp_path / name).write_text("years of work")
    with open_part(tmp_path, sealed) as part:
        part.write(sealed.data)
        put_in_place(part, tmp_path)
    assert {(tmp_path / name).read_text() for name in ("out.part", "out.opening", "part")} == {"years of work"}
    assert len(names_in(tmp_path)) == 4


@pytest.mark.parametrize("make", [os.symlink, os.link])
def test_a_link_is_not_followed(tmp_path: Path, sealed: Sealed, make: Callable[[Path, Path], None]) -> None:
    (tmp_path / "precious").write_text("a key")
    make(tmp_path / "precious", own_path(tmp_path / "out", sealed.manifest, "part"))
    with pytest.raises(StorageError, match="not a file of ours"):
        open_part(tmp_path, sealed)
    assert (tmp_path / "precious").read_text() == "a key"


def test_a_pipe_is_not_waited_for(tmp_path: Path, sealed: Sealed) -> None:
    os.mkfifo(own_path(tmp_path / "out", sealed.manifest, "part"))
    with pytest.raises(StorageError, match="not a file of ours"):
        open_part(tmp_path, sealed)


@pytest.mark.parametrize("make", [os.symlink, os.link])
def test_where_the_opened_file_goes_no_link_is_followed(
    tmp_path: Path, sealed: Sealed, make: Callable[[Path, Path], None]
) -> None:
    (tmp_path / "precious").write_text("a key")
    with open_part(tmp_path, sealed) as part:
        part.write(sealed.data)
        make(tmp_path / "precious", own_path(tmp_path / "out", sealed.manifest, "opening"))
        put_in_place(part, tmp_path)
    assert (tmp_path / "precious").read_text() == "a key"
    assert (tmp_path / "out").read_bytes() == PLAIN
    assert not (tmp_path / "out").is_symlink()


def test_the_longest_name(tmp_path: Path, sealed: Sealed) -> None:
    target = tmp_path / ("é" * 127)
    with PartFile(target, sealed.manifest, sealed.groups) as part:
        part.write(sealed.data)
        part.open_to(target, KEY, CONTEXT, force=False, progress=lambda done, total: None)
    assert names_in(tmp_path) == [target.name]


def test_what_never_received_a_byte_leaves_nothing(tmp_path: Path, sealed: Sealed) -> None:
    with open_part(tmp_path, sealed):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fault", ["another share", "a bad last chunk"])
def test_what_the_seller_sealed_wrongly_is_the_sellers_fault(tmp_path: Path, sealed: Sealed, fault: str) -> None:
    """Every byte is the signed one: nobody is told to download again, and the proof stays."""
    data, key = sealed.data, KEY
    if fault == "another share":
        key = bytes(15) + b"x"
    else:
        data = data[:-1] + bytes([data[-1] ^ 1])
    signed = signed_as(data, sealed.manifest)
    with open_part(tmp_path, signed) as part:
        part.write(data)
        with pytest.raises(SealedWrongly) as blamed:
            part.open_to(tmp_path / "out", key, CONTEXT, force=False, progress=lambda done, total: None)
    assert "does not help" in blamed.value.advice
    assert names_in(tmp_path) == [own_path(tmp_path / "out", sealed.manifest, "part").name]


def test_what_the_disk_spoiled_meanwhile_is_not_the_sellers_fault(tmp_path: Path, sealed: Sealed) -> None:
    """Proven when it arrived, changed before it is opened."""
    with open_part(tmp_path, sealed) as part:
        part.write(sealed.data)
        part._file.flush()
        with part.path.open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(bytes([sealed.data[-1] ^ 1]))
        with pytest.raises(Tampered):
            put_in_place(part, tmp_path)
    with open_part(tmp_path, sealed) as part:
        assert part.offset < len(sealed.data), "what was spoiled is fetched again"


def signed_as(data: bytes, manifest: Manifest) -> Sealed:
    """What a seller signs who sealed ``data``, whatever it opens to."""
    hasher = GroupHasher()
    hasher.update(data[HEADER_SIZE:])
    hashes = hasher.finalize()
    return Sealed(data, replace(manifest, group_root=group_root(hashes)), b"".join(hashes))
