"""What a file system refuses is told apart from what fails."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest

from bitcache.storage import durable_files

REFUSED = [errno.EINVAL, errno.ENOSYS, errno.ENOTSUP]


def raising(number: int) -> object:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return refuse


def test_an_ordinary_disk_does_all(tmp_path: Path) -> None:
    assert durable_files.sync_folder(tmp_path)
    with (tmp_path / "lock").open("w") as one, (tmp_path / "lock").open("w") as other:
        assert durable_files.lock(one.fileno())
        with pytest.raises(BlockingIOError):
            durable_files.lock(other.fileno())
    with (tmp_path / "lock").open("w") as again:
        assert durable_files.lock(again.fileno())


@pytest.mark.parametrize("number", REFUSED, ids=lambda number: errno.errorcode[number])
def test_what_is_refused_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setattr(os, "fsync", raising(number))
    monkeypatch.setattr(fcntl, "flock", raising(number))
    assert not durable_files.sync_folder(tmp_path)
    assert not durable_files.lock(0)


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EDQUOT], ids=lambda number: errno.errorcode[number])
def test_what_fails_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setattr(os, "fsync", raising(number))
    monkeypatch.setattr(fcntl, "flock", raising(number))
    with pytest.raises(OSError, match=os.strerror(number)):
        durable_files.sync_folder(tmp_path)
    with pytest.raises(OSError, match=os.strerror(number)):
        durable_files.lock(0)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        durable_files.sync_folder(tmp_path / "nowhere")


@pytest.mark.parametrize("number", [None, errno.EPERM, errno.ENOTSUP], ids=["links", "EPERM", "ENOTSUP"])
def test_a_new_name_never_replaces_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int | None) -> None:
    """Also without hard links (exFAT, many FUSE file systems)."""
    if number is not None:
        monkeypatch.setattr(Path, "hardlink_to", raising(number))
    fresh, target = tmp_path / "fresh", tmp_path / "target"
    fresh.write_text("new")
    durable_files.place_new(fresh, target)
    assert target.read_text() == "new"
    fresh.write_text("newer")
    target.unlink()
    target.write_text("old")
    with pytest.raises(FileExistsError):
        durable_files.place_new(fresh, target)
    assert target.read_text() == "old"
