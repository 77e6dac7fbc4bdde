"""A folder packed where it is read: an ordinary ZIP, the same from any offset, which no change slips into."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from bitcache.errors import BadInput
from gateway.client.errors import EmptyFile, SourceChanged
from gateway.client.folder_archive import FolderArchive
from gateway.client.folder_members import members_of

CONTENT = {
    "b.txt": b"b",
    "a/deep/er/c.bin": os.urandom(300_000),
    "a/empty": b"",
    "a b/été.txt": "é".encode(),
    "z": os.urandom(70_000),
    "zz-empty": b"",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Some files, links, a pipe and a folder without anything."""
    root = tmp_path / "album"
    for name, content in CONTENT.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    (root / "link").symlink_to(root / "b.txt")
    (root / "link-out").symlink_to("/etc")
    os.mkfifo(root / "pipe")
    (root / "nothing").mkdir()
    return root


def read_whole(archive: FolderArchive, piece: int) -> bytes:
    """All of it, in order."""
    return b"".join(archive.read(offset, piece) for offset in range(0, archive.size, piece))


@pytest.mark.parametrize("piece", [1, 1000, 65_537, 10**7])
def test_it_is_an_ordinary_zip(folder: Path, piece: int) -> None:
    if piece == 1:
        (folder / "a/deep/er/c.bin").unlink()
        (folder / "z").unlink()
    members = members_of(folder)
    archive = FolderArchive(members.files)
    whole = read_whole(archive, piece)
    assert len(whole) == archive.size
    with zipfile.ZipFile(BytesIO(whole)) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == sorted(opened.namelist()) == [member.name for member in members.files]
        assert {name: opened.read(name) for name in opened.namelist()} == {
            member.name: CONTENT[member.name] for member in members.files
        }
        assert {info.compress_type for info in opened.infolist()} == {zipfile.ZIP_STORED}
    archive.close()


def test_going_back_gives_the_same_bytes(folder: Path) -> None:
    """As far as it was read: so an upload resumes."""
    archive, dice = FolderArchive(members_of(folder).files), random.Random(3)
    whole = read_whole(FolderArchive(members_of(folder).files), 10**7)
    furthest = 0
    while furthest < archive.size:
        start = dice.randrange(furthest + 1)
        length = dice.randrange(1, 60_000)
        assert archive.read(start, length) == whole[start : start + length]
        furthest = max(furthest, min(start + length, archive.size))
    archive.close()


def test_neither_place_nor_time_change_it(folder: Path, tmp_path: Path) -> None:
    before = read_whole(FolderArchive(members_of(folder).files), 10**6)
    copy = shutil.copytree(folder, tmp_path / "copy", symlinks=True, ignore=shutil.ignore_patterns("pipe"))
    for path in copy.rglob("*.txt"):
        os.utime(path, (5, 5))
        path.chmod(0o600)
    assert read_whole(FolderArchive(members_of(copy).files), 777) == before


def test_what_is_left_out_is_told(folder: Path) -> None:
    assert (
        members_of(folder).summary()
        == "6 files packed; left out: 1 empty folder(s), 2 link(s), 1 pipe(s) and device(s)"
    )


@pytest.mark.skipif(shutil.which("unzip") is None, reason="no unzip here")
def test_another_program_opens_it(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "album.zip"
    target.write_bytes(read_whole(FolderArchive(members_of(folder).files), 10**6))
    subprocess.run(["unzip", "-q", target, "-d", tmp_path / "out"], check=True)
    assert {name: (tmp_path / "out" / name).read_bytes() for name in CONTENT} == CONTENT


def test_a_file_over_four_gigabytes(tmp_path: Path) -> None:
    """ZIP64, by the layout: reading so much takes a while."""
    (tmp_path / "large").touch()
    os.truncate(tmp_path / "large", 5 * 2**30)
    (tmp_path / "tail").write_bytes(b"tail")
    archive = FolderArchive(members_of(tmp_path).files)
    directory = archive.read(archive.size - 300, 300)
    with zipfile.ZipFile(BytesIO(directory)) as opened:  # it bears bytes missing in front
        assert [info.file_size for info in opened.infolist()] == [5 * 2**30, 4]
    archive.close()


@pytest.mark.parametrize("change", ["longer", "gone", "touched", "replaced by a pipe"])
def test_a_file_that_changes_is_not_packed(folder: Path, change: str) -> None:
    archive = FolderArchive(members_of(folder).files)
    archive.read(0, 100)
    path = folder / "z"
    if change == "longer":
        path.write_bytes(b"more than before")
    elif change == "touched":
        os.utime(path, (5, 5))
    else:
        path.unlink()
        if change != "gone":
            os.mkfifo(path)
    with pytest.raises(SourceChanged):
        read_whole(archive, 1000)
    archive.close()


def test_a_folder_without_files(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    with pytest.raises(EmptyFile):
        members_of(tmp_path)


def test_a_name_that_no_archive_holds(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff")).touch()
    with pytest.raises(BadInput, match="UTF-8"):
        members_of(tmp_path)


def test_many_files(tmp_path: Path) -> None:
    """The directory at the end is written once, not once for each file; over 65 535 of them it is ZIP64."""
    (tmp_path / "one").write_bytes(b"1")
    (one,) = members_of(tmp_path).files
    whole = read_whole(FolderArchive([replace(one, name=f"{number:06}") for number in range(66_000)]), 2**20)
    with zipfile.ZipFile(BytesIO(whole)) as opened:
        assert len(opened.namelist()) == 66_000
        assert opened.read("065999") == b"1"
