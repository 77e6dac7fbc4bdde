"""Migrations: a fresh file has exactly the tables that the code means, and a failure leaves nothing behind."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect

from bitcache.storage.migrate import migrate, schema_version
from bitcache.storage.tables import metadata


def test_migrating_a_fresh_file_gives_exactly_the_tables(tmp_path: Path) -> None:
    """Alembic finds no difference; names, columns, keys, indexes with their conditions are those of the metadata."""
    path = tmp_path / "migrated.sqlite"
    migrate(path)
    migrated, meant = create_engine(f"sqlite:///{path}"), create_engine("sqlite://")
    metadata.create_all(meant)
    with migrated.connect() as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    for table in metadata.tables:
        for look in ("get_columns", "get_pk_constraint", "get_foreign_keys", "get_unique_constraints", "get_indexes"):
            found, expected = (repr_sorted(getattr(inspect(one), look)(table)) for one in (migrated, meant))
            assert found == expected, f"{table}: {look}"
    assert set(inspect(migrated).get_table_names()) == {*metadata.tables, "alembic_version"}


def repr_sorted(found: object) -> list[str]:
    """Comparable, whatever the order and the addresses of objects."""
    rows = found if isinstance(found, list) else [found]
    return sorted(re.sub(" object at 0x[0-9a-f]+", "", repr(row)) for row in rows)


def test_migrating_again_changes_nothing(tmp_path: Path) -> None:
    """At every start."""
    path = tmp_path / "bitcache.sqlite"
    migrate(path)
    before = path.read_bytes()
    migrate(path)
    assert path.read_bytes() == before


def test_a_migration_that_fails_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are made inside the transaction too, so that the next start begins anew."""
    path, upgrade = tmp_path / "bitcache.sqlite", command.upgrade

    def power_fails(*args: object) -> None:
        upgrade(*args)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(command, "upgrade", power_fails)
        with pytest.raises(KeyboardInterrupt):
            migrate(path)
    with sqlite3.connect(path) as plain:
        assert plain.execute("select * from sqlite_master").fetchall() == []
    migrate(path)
    assert schema_version(path) == "0001"
