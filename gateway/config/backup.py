"""A backup of a data folder, while a gateway runs on it: whole, or not there; checked before it is called one.

    TARGET/2026-11-27T150405Z/
        bitcache.sqlite3     the database as it was at one moment
        files/objects/…      every file that it names; those of the backup before are linked where that can be
        addresses.journal    copied last: it only grows
        config.toml
        backup.json          what was counted
        master.key           if it was asked for: keep it apart instead

Unfinished uploads are left out: their sellers begin them again.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from bitcache.errors import NotFound, StorageError
from bitcache.identifiers import FileId
from bitcache.storage.blob_directory import BlobDirectory
from bitcache.storage.durable_files import sync_folder
from bitcache.storage.migrate import newest_version
from gateway.config.data_folder import DataFolder

CONFIG, REPORT = "config.toml", "backup.json"
_STAMP = "%Y-%m-%dT%H%M%SZ"
_FILES = "select file_id, sealed_size from listing where removed_at is null order by file_id"
#: Hears how many bytes of how many are copied or linked.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What a backup holds; ``made_at`` in Unix seconds, ``schema`` the revision of its database."""

    made_at: int
    schema: str
    files: int
    sealed_bytes: int
    master_key: bool


def back_up(
    folder: DataFolder, config: Path, target: Path, now: int, progress: Progress, *, with_master_key: bool = False
) -> tuple[Path, BackupReport]:
    """Return the new backup below ``target``, checked; raise StorageError where it cannot be made."""
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    whole = target / time.strftime(_STAMP, time.gmtime(now))
    if whole.exists():
        raise StorageError("there is a backup of this second already", hint="Run it again.")
    with _appearing(whole) as part:
        copy = DataFolder(part)
        _copy_database(folder.database, copy.database)
        count, size = _copy_files(folder, copy, _newest(target), progress)
        for source, name, wanted in (
            (config, CONFIG, config.exists()),
            (folder.master_key, folder.master_key.name, with_master_key),
            (folder.addresses, folder.addresses.name, folder.addresses.exists()),
        ):
            if wanted:
                _copy(source, part / name)
        report = BackupReport(now, _schema(copy.database), count, size, with_master_key)
        _write(part / REPORT, json.dumps(asdict(report), indent=1))
        check(part)
    return whole, report


def check(backup: Path) -> BackupReport:
    """Return what a backup says of itself, once it holds; raise StorageError for what does not."""
    try:
        report = BackupReport(**json.loads((backup / REPORT).read_text()))
    except (OSError, ValueError, TypeError):
        raise StorageError("this is no backup", hint="Name the folder that holds backup.json.") from None
    if report.schema > newest_version():
        raise StorageError("this backup was made by a newer Bitcache", hint="Restore it with that one.")
    files, database = BlobDirectory(DataFolder(backup).blobs), DataFolder(backup).database
    for file_id, size in _checked_files(database):
        if _size_in(files, file_id) != size:
            raise StorageError(f"the backup lacks the file {file_id}", hint="Make another one.")
    return report


def _checked_files(database: Path) -> list[tuple[FileId, int]]:
    """Return every file that a database names; raise StorageError where it is damaged."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as conn:
        try:
            sound = conn.execute("pragma integrity_check").fetchall() == [("ok",)]
            whole = conn.execute("pragma foreign_key_check").fetchall() == []
            files = [(FileId(file_id), size) for file_id, size in conn.execute(_FILES)]
        except sqlite3.DatabaseError:
            sound = whole = False
        if not (sound and whole):
            raise StorageError("the database of the backup is damaged", hint="Use an older backup.")
    return files


@contextmanager
def _appearing(whole: Path) -> Iterator[Path]:
    """Yield a folder beside ``whole`` that becomes it at the end; what an earlier run left unfinished goes."""
    for left in whole.parent.glob(".*.part"):
        shutil.rmtree(left)
    part = whole.with_name(f".{whole.name}.part")
    part.mkdir(mode=0o700)
    try:
        yield part
        sync_folder(part)
        part.rename(whole)
        sync_folder(whole.parent)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _newest(target: Path) -> BlobDirectory | None:
    """Return the files of the backup before this one."""
    before = sorted(path.parent for path in target.glob(f"*/{REPORT}"))
    return BlobDirectory(DataFolder(before[-1]).blobs) if before else None


def _copy_database(source: Path, target: Path) -> None:
    """Copy the database as it is at one moment; writers go on meanwhile (SQLite's backup API)."""
    target.touch(mode=0o600)
    with closing(sqlite3.connect(source)) as database, closing(sqlite3.connect(target)) as copy:
        database.backup(copy)
        copy.execute("pragma journal_mode=delete")


def _copy_files(
    folder: DataFolder, copy: DataFolder, before: BlobDirectory | None, progress: Progress
) -> tuple[int, int]:
    """Copy what the copied database names, and return how many files and bytes that are."""
    here, there = BlobDirectory(folder.blobs), BlobDirectory(copy.blobs)
    files = _checked_files(copy.database)
    total, done, count = sum(size for _, size in files), 0, 0
    for file_id, size in files:
        linked = before is not None and _size_in(before, file_id) == size
        source = (before if linked and before is not None else here).path_of(file_id)
        if source.exists():
            _link_or_copy(source, there.path_of(file_id), link=linked)
            count += 1
        elif not _was_removed(folder.database, copy.database, file_id):
            raise StorageError(f"the file {file_id} is missing", hint="bitcache doctor says what is wrong.")
        done += size
        progress(done, total)
    return count, sum(size for _, size in _checked_files(copy.database))


def _was_removed(database: Path, copy: Path, file_id: FileId) -> bool:
    """Return whether a deleted file went while the backup was made; then the copy says so too."""
    removed = "select removed_at from listing where file_id = ?"
    with closing(sqlite3.connect(database)) as conn:
        [at] = conn.execute(removed, (file_id,)).fetchone()
    if at is not None:
        with closing(sqlite3.connect(copy)) as conn, conn:
            conn.execute("update listing set removed_at = ? where file_id = ?", (at, file_id))
    return at is not None


def _link_or_copy(source: Path, target: Path, *, link: bool) -> None:
    target.parent.mkdir(mode=0o700, exist_ok=True)
    if link:
        try:
            target.hardlink_to(source)
        except OSError:  # a file system without links
            _copy(source, target)
    else:
        _copy(source, target)


def _copy(source: Path, target: Path) -> None:
    """Copy a file, for its owner alone, onto the disk."""
    with (
        source.open("rb") as read,
        os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new,
    ):
        shutil.copyfileobj(read, new, 1 << 20)
        new.flush()
        os.fsync(new.fileno())


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    with path.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _schema(database: Path) -> str:
    with closing(sqlite3.connect(database)) as conn:
        return str(conn.execute("select version_num from alembic_version").fetchone()[0])


def _size_in(files: BlobDirectory, file_id: FileId) -> int | None:
    try:
        return files.size(file_id)
    except NotFound:
        return None
