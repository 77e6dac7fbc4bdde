"""Migrations: a fresh file has exactly the tables that the code means, and a failure leaves nothing behind."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect

from bitcache import event_log, payments_known_until
from bitcache.chain_types import CHAIN
from bitcache.event_log import EventKind
from bitcache.storage.migrate import MIGRATIONS, migrate, newest_version, schema_version
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
            actual, expected = (
                repr_sorted(getattr(inspect(connection), look)(table)) for connection in (migrated, meant)
            )
            assert actual == expected, f"{table}: {look}"
    assert set(inspect(migrated).get_table_names()) == {*metadata.tables, "alembic_version"}


def repr_sorted(actual: object) -> list[str]:
    """Comparable, whatever the order and the addresses of objects."""
    rows = actual if isinstance(actual, list) else [actual]
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
    assert schema_version(path) == newest_version()


def test_every_older_schema_is_brought_to_the_newest(tmp_path: Path) -> None:
    """As an operator who updates sees it: from any version on, with what lies in it kept."""
    newest, revisions = tmp_path / "newest.sqlite", [f"{number:04}" for number in range(1, int(newest_version()))]
    migrate(newest)
    assert revisions
    for revision in revisions:
        path = tmp_path / f"{revision}.sqlite"
        _made_by(path, revision)
        migrate(path)
        assert schema_version(path) == newest_version()
        with sqlite3.connect(path) as old, sqlite3.connect(newest) as new:
            assert _schema(old) == _schema(new)
            assert old.execute("select height from block").fetchall() == [(7,)]


def _made_by(path: Path, revision: str) -> None:
    """A database as the version with that revision left it, with a row in it."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with create_engine(f"sqlite:///{path}").begin() as conn:
        config.attributes["connection"] = conn
        command.upgrade(config, revision)
        conn.exec_driver_sql("insert into block values (7, 'hash')")


def _schema(conn: sqlite3.Connection) -> list[tuple[str, ...]]:
    return sorted(conn.execute("select type, name, tbl_name from sqlite_master").fetchall())


def test_what_was_not_delivered_yet_is_delivered_after_the_update(tmp_path: Path) -> None:
    """The outbox's rows become events that open pages have not read, and a purchase keeps what it was called."""
    path = tmp_path / "bitcache.sqlite"
    _made_by(path, "0005")
    with sqlite3.connect(path) as conn:
        conn.execute("insert into transfer values ('t', 'f', x'00', null, 1, null)")
        conn.execute("insert into outbox values (5, 't', 'transfer', 7)")
    migrate(path)
    with create_engine(f"sqlite:///{path}").connect() as conn:
        assert conn.exec_driver_sql("select id, file_id from purchase").all() == [("t", "f")]
        [event] = event_log.unread(conn)
    assert (event.id, event.kind, event.subject, event.at) == (5, EventKind.PURCHASE_CHANGED, "t", 7)


def test_every_sale_is_kept_when_ways_to_pay_are_told_apart(tmp_path: Path) -> None:
    """Invoices, their addresses and all payments, whatever became of them; what was known of the chain stays known."""
    path = tmp_path / "bitcache.sqlite"
    _made_by(path, "0007")
    payments = [("aa:0", "1, 9, 'hash', 0, 70"), ("bb:0", "0, null, null, 1, 71"), ("cc:0", "0, null, null, 0, 72")]
    with sqlite3.connect(path) as conn:
        conn.execute("insert into payout values (3, 'onchain', 'account', 'wpkh', 294, 6, null, 1)")
        conn.execute("insert into purchase values ('p', 'f', x'00', null, 60, null)")
        conn.execute(
            "insert into invoice values ('p', 'onchain', 3, 5, x'0014', 'bcrt1q', 900, 2, 60, 99, 'new', "
            "'paid_partial', 500, 0, 1, 70, null)"
        )
        for reference, rest in payments:
            conn.execute(f"insert into payment values (?, 'p', 250, {rest}, null)", [reference])
        conn.execute("insert into known values (1, 88)")
    migrate(path)
    with create_engine(f"sqlite:///{path}").connect() as conn:
        invoice = conn.exec_driver_sql("select amount_sat, required_confirmations, state, received_sat from invoice")
        assert invoice.all() == [(900, 2, "new", 500)]
        requests = conn.exec_driver_sql(
            "select purchase_id, rail, scope, destination, match_key, minimum_sat, expires_at, payout_id, key_index, "
            "received_sat from payment_request"
        )
        assert requests.all() == [("p", "onchain", "chain", "bcrt1q", b"\x00\x14", 294, 99, 3, 5, 500)]
        moved = conn.exec_driver_sql(
            "select reference, rail, status, maturity, height, seen_at from payment order by reference"
        )
        assert moved.all() == [
            ("aa:0", "onchain", "surviving", 1, 9, 70),
            ("bb:0", "onchain", "surviving", 0, None, 71),
            ("cc:0", "onchain", "withdrawn", 0, None, 72),
        ]
        assert payments_known_until.payments_known_until(conn, CHAIN) == 88


def test_what_was_on_sale_stays_unlimited(tmp_path: Path) -> None:
    path = tmp_path / "bitcache.sqlite"
    _made_by(path, "0015")
    columns = "file_id, seller_id, price_sat, sealed_size, manifest, signature, groups, meta, wrapped_share, created_at"
    with sqlite3.connect(path) as conn:
        conn.execute(f"insert into listing ({columns}) values ('f', 1, 900, 80, '', x'', x'', x'', x'', 60)")
    migrate(path)
    with sqlite3.connect(path) as conn:
        limits = conn.execute("select file_id, stopped, sell_until, most_sales from listing").fetchall()
    assert limits == [("f", None, None, None)]
