"""A backup put back: into an empty data folder, or in place of an older database.

The address journal of the machine is kept where there is one: it knows more than the backup, and nothing else needs to
be asked.  Where it is lost, nothing is sold until the operator has answered (gateway/config/restored_backup.py).
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from bitcache.errors import InvalidSettings
from bitcache.identifiers import FileId
from bitcache.master_key import MasterKey
from bitcache.storage.blob_directory import BlobDirectory
from gateway.config.backup import BackupReport, Progress, check
from gateway.config.data_folder import DataFolder

_NO_KEY = "Name the copy that you keep apart: --master-key FILE."


def restore(
    backup: Path, folder: DataFolder, now: int, progress: Progress, *, master_key: Path | None, replace: bool
) -> tuple[BackupReport, bool]:
    """Put a checked backup into a data folder on which no gateway runs; return also whether its journal is the newest.

    ``replace`` sets aside the database that is there.  Raise StorageError for a backup that does not hold, WrongKey for
    another's master key, InvalidSettings where there is a database already or no master key.
    """
    report, saved = check(backup), DataFolder(backup)
    folder.create()
    with folder.locked():
        if folder.database.exists() and not replace:
            raise InvalidSettings("there is a database in this data folder", hint="Say --replace to set it aside.")
        key = _key_file(saved, folder, master_key)
        _check_key(saved, MasterKey.load(key))
        if not folder.master_key.exists():
            _place(key, folder.master_key)
        _put_files(saved, folder, report, progress)
        has_journal = folder.addresses.exists()
        if saved.addresses.exists() and not has_journal:
            _place(saved.addresses, folder.addresses)
        _set_aside(folder.database, now)
        _place(saved.database, folder.database)
    return report, has_journal


def _key_file(saved: DataFolder, folder: DataFolder, named: Path | None) -> Path:
    for path in (named, folder.master_key, saved.master_key):
        if path is not None and path.exists():
            return path
    raise InvalidSettings("the master key is not in this backup", hint=_NO_KEY)


def _check_key(saved: DataFolder, key: MasterKey) -> None:
    """Raise WrongKey unless the key opens a share of the backup."""
    with closing(sqlite3.connect(f"file:{saved.database}?mode=ro", uri=True)) as conn:
        row = conn.execute("select file_id, wrapped_share from listing limit 1").fetchone()
    if row is not None:
        key.unwrap(row[1], FileId(row[0]))


def _put_files(saved: DataFolder, folder: DataFolder, report: BackupReport, progress: Progress) -> None:
    source, target, done = BlobDirectory(saved.blobs), BlobDirectory(folder.blobs), 0
    for path in sorted(saved.blobs.glob("objects/*/*")):
        file_id = FileId(path.name)
        wanted = target.path_of(file_id)
        if not wanted.exists():
            wanted.parent.mkdir(mode=0o700, exist_ok=True)
            _place(source.path_of(file_id), wanted)
        done += path.stat().st_size
        progress(done, report.sealed_bytes)


def _set_aside(database: Path, now: int) -> None:
    """Rename the database that is there, with its log, so that nothing is lost."""
    end = time.strftime(".before-restore-%Y-%m-%dT%H%M%SZ", time.gmtime(now))
    for suffix in ("", "-wal", "-shm"):
        path = database.with_name(database.name + suffix)
        if path.exists():
            path.rename(path.with_name(database.name + end + suffix))


def _place(source: Path, target: Path) -> None:
    """Copy a file so that it appears whole, for its owner alone."""
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    shutil.copyfile(source, part)
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.rename(target)
