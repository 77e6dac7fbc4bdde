"""Brings a database file to the newest schema (Alembic), before anything else opens it."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import create_engine, text

from bitcache.errors import DatabaseUnusable

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(path: Path) -> None:
    """Create or upgrade the file; raises DatabaseUnusable when a newer Bitcache made it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _refuse_other_files(path)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.begin() as conn:
            conn.execute(text("PRAGMA busy_timeout=5000"))
            config.attributes["connection"] = conn
            command.upgrade(config, "head")
    except CommandError as error:
        raise DatabaseUnusable("this database was made by a newer Bitcache") from error
    finally:
        engine.dispose()


def _refuse_other_files(path: Path) -> None:
    """Say clearly that a file is no database, before SQLite says it less clearly."""
    if path.exists() and path.stat().st_size and path.read_bytes()[:16] != b"SQLite format 3\0":
        raise DatabaseUnusable("this file is not a Bitcache database")


def schema_version(path: Path) -> str:
    """The revision that a database file has."""
    with sqlite3.connect(path) as conn:
        row = conn.execute("select version_num from alembic_version").fetchone()
    return str(row[0])
