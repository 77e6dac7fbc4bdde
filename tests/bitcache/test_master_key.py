"""The master key: made once, kept to its owner, and the only thing that opens what it wrapped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bitcache.errors import InvalidSettings, WrongKey
from bitcache.identifiers import new_file_id
from bitcache.master_key import MasterKey

SHARE = bytes(range(32))


def test_wrap_and_unwrap() -> None:
    """A share comes back, and wrapping it twice shows no sameness."""
    key, file_id = MasterKey(os.urandom(32)), new_file_id()
    wrapped, again = key.wrap(SHARE, file_id), key.wrap(SHARE, file_id)
    assert wrapped != again
    assert len(wrapped) == 60
    assert key.unwrap(wrapped, file_id) == key.unwrap(again, file_id) == SHARE


def test_refusals() -> None:
    """Another key, another file, any flipped bit and any cut are refused, with advice about the key file."""
    key, file_id = MasterKey(os.urandom(32)), new_file_id()
    wrapped = key.wrap(SHARE, file_id)
    with pytest.raises(WrongKey) as caught:
        MasterKey(os.urandom(32)).unwrap(wrapped, file_id)
    assert "master key" in caught.value.advice
    with pytest.raises(WrongKey):
        key.unwrap(wrapped, new_file_id())
    for bit in range(len(wrapped) * 8):
        changed = bytearray(wrapped)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(WrongKey):
            key.unwrap(bytes(changed), file_id)
    for length in range(len(wrapped)):
        with pytest.raises(WrongKey):
            key.unwrap(wrapped[:length], file_id)


def test_file(tmp_path: Path) -> None:
    """The file is made with mode 0600 whatever the umask, holds 32 bytes, and gives the same key again."""
    path, file_id = tmp_path / "master.key", new_file_id()
    old = os.umask(0)
    try:
        wrapped = MasterKey.load_or_create(path).wrap(SHARE, file_id)
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_size == 32
    assert [entry.name for entry in tmp_path.iterdir()] == ["master.key"]
    assert MasterKey.load_or_create(path).unwrap(wrapped, file_id) == SHARE


def test_create_never_replaces(tmp_path: Path) -> None:
    """A key that is there stays: losing it would lose every share."""
    path = tmp_path / "master.key"
    MasterKey.create(path)
    before = path.read_bytes()
    with pytest.raises(InvalidSettings):
        MasterKey.create(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["master.key"]
    with pytest.raises(InvalidSettings):
        MasterKey.create(tmp_path / "absent" / "master.key")


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o610, 0o666])
def test_open_to_others(tmp_path: Path, mode: int) -> None:
    """A key file that group or others can reach is refused, and the error says what to do."""
    path = tmp_path / "master.key"
    MasterKey.create(path)
    path.chmod(mode)
    with pytest.raises(InvalidSettings) as caught:
        MasterKey.load(path)
    assert "chmod 600" in caught.value.advice


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_wrong_size(tmp_path: Path, length: int) -> None:
    """A file that was cut or is something else is refused, and its content is not quoted."""
    path = tmp_path / "master.key"
    path.write_bytes(b"\x41" * length)
    path.chmod(0o600)
    with pytest.raises(InvalidSettings) as caught:
        MasterKey.load(path)
    assert "AAAA" not in str(caught.value)


def test_missing(tmp_path: Path) -> None:
    """A missing file is an error of the settings, not a new key by surprise."""
    with pytest.raises(InvalidSettings):
        MasterKey.load(tmp_path / "master.key")


def test_repr_hides_the_key() -> None:
    """Printing the object shows no key."""
    key = b"\x41" * 32
    assert "A" * 4 not in repr(MasterKey(key))
    assert key.hex() not in repr(vars(MasterKey(key)))
