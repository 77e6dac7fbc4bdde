"""All SQL that is SQLite's alone; a store on another database has another module with these functions.

``tests/bitcache/test_sqlite_only_sql.py`` holds that nothing of it stands elsewhere.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, Text, bindparam, func, literal_column, select
from sqlalchemy.dialects.sqlite import Insert, insert

Columns = Mapping[str, ColumnElement[Any]]  #: by name


def upsert(
    table: Table,
    keys: Sequence[str],
    changes: Callable[[Columns], Mapping[str, Any]],
    where: Callable[[Columns], ColumnElement[bool]] | None = None,
) -> Insert:
    """Insert a row, or change the one with the same ``keys``.

    ``changes`` and ``where`` are given the columns of the row that was to be inserted; where ``where`` does not hold,
    the row stays as it is.
    """
    statement = insert(table)
    new: Columns = {column.name: statement.excluded[column.name] for column in table.columns}
    return statement.on_conflict_do_update(
        index_elements=list(keys), set_=dict(changes(new)), where=where(new) if where is not None else None
    )


def insert_missing(table: Table) -> Insert:
    """Insert rows, and leave those as they are that are there already."""
    return insert(table).prefix_with("OR IGNORE")


def greatest(left: Any, right: Any) -> ColumnElement[Any]:
    """Return the greater of two values of one row."""
    return func.max(left, right)


def among_ids(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return whether the column is one of the texts that :func:`ids` hands over, any number of them in one parameter.

    SQLite bounds the number of parameters, and each costs time.
    """
    texts = func.json_each(bindparam("ids", type_=Text)).table_valued("value")
    return column.in_(select(texts.c.value))


def ids(texts: Iterable[str]) -> dict[str, str]:
    """Return the parameter of a statement with :func:`among_ids`."""
    return {"ids": json.dumps(list(texts))}


def insertion_order(table: Table) -> ColumnElement[int]:
    """Return a number that grows with each row inserted, of a table from which none is deleted."""
    number: ColumnElement[int] = literal_column(f"{table.name}.rowid")
    return number


def probe_write(conn: Connection) -> None:
    """Write a number that nothing reads into the database's header: a lock or a full disk shows here."""
    conn.exec_driver_sql("PRAGMA user_version = 1")


def set_up(connection: Any, *, log_pages: int, busy_timeout_ms: int) -> None:
    """Make a fresh driver connection ours: a log beside the file, every commit on the disk, foreign keys held."""
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"wal_autocheckpoint={log_pages}",
        f"busy_timeout={busy_timeout_ms}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def keep_log(connection: Any) -> None:
    """Set the write-ahead log for good, so that no later connection needs the file for itself to do so."""
    connection.execute("PRAGMA journal_mode=WAL")


def read_only(connection: Any) -> None:
    """Refuse whatever would write through this driver connection."""
    connection.execute("PRAGMA query_only=ON")


def data_version(connection: sqlite3.Connection) -> int:
    """Return a number that differs if another connection, in whatever process, has committed since the last call."""
    version: int = connection.execute("PRAGMA data_version").fetchone()[0]
    return version


def changed_rows(connection: Any) -> int:
    """Return how many rows this driver connection has changed since it was opened."""
    return int(connection.total_changes)


def checkpoint(connection: sqlite3.Connection, log_pages: int) -> None:
    """Move the log into the file, waiting for nobody; with more pages than ``log_pages`` left, wait and empty it."""
    _, pages, _ = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    if pages > log_pages:
        connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
