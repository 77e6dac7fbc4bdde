"""Brings a database file to the newest schema (Alembic), before anything else opens it."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, create_engine, event, inspect

from bitcache.errors import DatabaseUnusable
from bitcache.storage import sqlite_only_sql

BUSY_SECONDS = 5.0  #: how long to wait for another process that holds the file
MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(path: Path) -> None:
    """Create or upgrade the file, in one transaction; raise DatabaseUnusable if it is none of ours, or a newer one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _refuse_other_files(path)
    except OSError as error:
        raise DatabaseUnusable(f"the database file cannot be reached: {error.strerror}") from None
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(f"sqlite:///{path}", connect_args={"isolation_level": None, "timeout": BUSY_SECONDS})
    # said by us, because sqlite3 itself leaves CREATE TABLE outside every transaction
    event.listen(engine, "begin", lambda conn: conn.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.begin() as conn:
            _refuse_other_databases(conn)
            config.attributes["connection"] = conn
            command.upgrade(config, "head")
        sqlite_only_sql.keep_log(engine.raw_connection())
    except CommandError as error:
        raise DatabaseUnusable("this database was made by a newer Bitcache") from error
    finally:
        engine.dispose()


def _refuse_other_files(path: Path) -> None:
    """Say clearly that a file is no database, before SQLite says it less clearly."""
    if not path.exists():
        return
    with path.open("rb") as file:
        start = file.read(16)
    if start and start != b"SQLite format 3\0":
        raise DatabaseUnusable("this file is not a Bitcache database")


def _refuse_other_databases(conn: Connection) -> None:
    """Refuse tables without a version of ours: they belong to another program."""
    tables = inspect(conn).get_table_names()
    if tables and "alembic_version" not in tables:
        raise DatabaseUnusable("this database belongs to another program")


def newest_version() -> str:
    """Return the revision that this program makes."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return str(ScriptDirectory.from_config(config).get_current_head())


def schema_version(path: Path) -> str:
    """Return the revision that a database file has."""
    with sqlite3.connect(path) as conn:
        row = conn.execute("select version_num from alembic_version").fetchone()
    return str(row[0])
