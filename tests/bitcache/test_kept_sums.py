"""What a seller's page asks costs the same after ten sales and after a thousand, and old databases have it at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine
from support.market import Market, pays

from bitcache import listings, sales_totals, sellers, unpaid_address_runs
from bitcache.errors import NotFound
from bitcache.identifiers import FileId, new_file_id
from bitcache.storage.migrate import MIGRATIONS, migrate


def steps(conn: Connection, ask: Callable[[Connection], object]) -> int:
    """How many hundreds of instructions SQLite needs to answer."""
    counted = [0]
    driver: sqlite3.Connection = conn.connection.dbapi_connection.driver_connection._conn  # type: ignore[union-attr]

    def count() -> None:
        counted[0] += 1

    driver.set_progress_handler(count, 100)
    ask(conn)
    driver.set_progress_handler(None, 100)
    return counted[0]


@pytest.mark.parametrize("question", ["listings", "payout"])
async def test_the_sellers_page_costs_the_same_after_many_sales(market: Market, question: str) -> None:
    """Ten sales, then six hundred more, every second one paid."""
    asks: dict[str, Callable[[Connection], object]] = {
        "listings": lambda conn: listings.of_seller(conn, market.seller_id),
        "payout": lambda conn: sellers.payout_of(conn, market.seller_id),
    }
    file = await market.listed()
    await _sell(market, file.file_id, 10)
    before = await market.store.read(lambda conn: steps(conn, asks[question]))
    await _sell(market, file.file_id, 600)
    assert await market.store.read(lambda conn: steps(conn, asks[question])) <= before + 2
    [(_, sold)] = await market.store.read(lambda conn: listings.of_seller(conn, market.seller_id))
    assert (sold.settled, sold.received_sat) == (305, 305 * 2_500)


async def test_listings_come_in_pages(market: Market) -> None:
    """Each after the last one of the page before; nothing twice, nothing left out, also where the time is the same."""
    files = [(await market.listed(price_sat=1_000 + number)).file_id for number in range(5)]
    pages, after = [], None
    while page := await market.store.read(
        lambda conn, after=after: listings.of_seller(conn, market.seller_id, most=2, after=after)  # type: ignore[misc]
    ):
        pages.append([listing.file_id for listing, _ in page])
        after = pages[-1][-1]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert sorted(file_id for page in pages for file_id in page) == sorted(files)
    with pytest.raises(NotFound):
        await market.store.read(lambda conn: listings.of_seller(conn, market.seller_id, after=new_file_id()))
    with pytest.raises(NotFound):  # another seller's listing is none of this one's
        await market.store.read(lambda conn: listings.of_seller(conn, market.seller_id + 1, after=files[0]))


def test_a_database_of_before_has_its_sums_after_the_migration(tmp_path: Path) -> None:
    """Two listings, an account of six addresses of which numbers 1 and 4 were paid."""
    path = tmp_path / "old.sqlite"
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with create_engine(f"sqlite:///{path}").begin() as conn:
        config.attributes["connection"] = conn
        command.upgrade(config, "0002")
        for statement in _OLD_ROWS:
            conn.exec_driver_sql(statement)
    migrate(path)
    with create_engine(f"sqlite:///{path}").connect() as conn:
        rows = conn.exec_driver_sql("select file_id, settled, pending, received_sat from listing_sales").all()
        assert {row[0]: tuple(row[1:]) for row in rows} == {
            file_id: (sum_.settled, sum_.pending, sum_.received_sat)
            for file_id, sum_ in sales_totals.recount(conn).items()
        }
        assert {row[0]: tuple(row[1:]) for row in rows} == {"f0": (1, 0, 2_500), "f1": (0, 1, 0)}
        assert (unpaid_address_runs.longest(conn, 1, 9), unpaid_address_runs.newest(conn, 1, 9)) == (4, 4)
        assert unpaid_address_runs.longest(conn, 1, 5) == 2


_OLD_ROWS = [
    "insert into payout values (1, 'r', 'a', 'wpkh', 294, 6, null, 0)",
    "insert into seller values (1, 's', x'00', 1, 0)",
    *(f"insert into listing values ('f{n}', 1, 2500, 72, '', x'', x'', x'', null, x'', 0)" for n in range(2)),
    *(f"insert into transfer values ('t{n}', 'f{n % 2}', x'0{n}', null, 0)" for n in range(6)),
    *(
        "insert into invoice (transfer_id, rail, payout_id, key_index, key, address, amount_sat, confirmations,"
        " created_at, expires_at, state, marks, received_sat, confirmed_sat, depth) values"
        f" ('t{n}', 'r', 1, {n}, x'0{n}', 'a{n}', 2500, 1, 0, 0, '{state}', '', {received}, 0, 0)"
        for n, state, received in [
            (0, "expired", 0),
            (1, "processing", 2_500),
            (2, "new", 0),
            (3, "new", 0),
            (4, "settled", 2_500),
            (5, "new", 0),
        ]
    ),
]


async def _sell(market: Market, file_id: FileId, count: int) -> None:
    orders = [await market.order(file_id) for _ in range(count)]
    await market.block(*(pays(order, f"{order.purchase_id}:0") for order in orders[1::2]))
