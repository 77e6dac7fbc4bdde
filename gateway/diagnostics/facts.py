"""What is true of a gateway right now: the one source of ``/healthz``, ``/metrics`` and ``bitcache doctor``."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, select

from bitcache import (
    address_journal,
    block_processing,
    event_log,
    payments_known_until,
    reports,
    sellers,
    takedowns,
    zero_conf_exposure,
)
from bitcache.address_journal import Skipped
from bitcache.chain_types import CHAIN, BlockRef
from bitcache.sellers import Payout
from bitcache.storage.tables import invoice, listing, payout, seller


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the database says, in numbers."""

    cursor: BlockRef | None
    invoices: dict[str, int]
    unread_events: int
    losses: int
    lost_sat: int
    exposure_sat: int
    known_until: int = 0  #: Unix seconds
    deep: BlockRef | None = None  #: a block that no reorganisation reaches, once there is one
    open_reports: int = 0
    taken_down: int = 0


@dataclass(frozen=True, slots=True)
class Business:
    """Who sells here, and whether they can be paid."""

    sellers: int
    without_payout: int
    listings: int
    payouts: list[Payout]
    skipped: list[Skipped]
    issued: tuple[int, ...] = ()  #: addresses given out, by account, also of those that nobody uses now


def ledger_facts(conn: Connection) -> Ledger:
    """Return the counts and sums of the ledger."""
    by_state = select(invoice.c.state, func.count().label("found")).group_by(invoice.c.state)
    lost, lost_sat = zero_conf_exposure.lost(conn)
    cursor = block_processing.cursor(conn)
    return Ledger(
        cursor=cursor,
        invoices={row.state: row.found for row in conn.execute(by_state)},
        unread_events=event_log.count_unread(conn),
        losses=lost,
        lost_sat=lost_sat,
        exposure_sat=zero_conf_exposure.exposure(conn),
        known_until=payments_known_until.payments_known_until(conn, CHAIN),
        deep=block_processing.block_at(conn, cursor.height - block_processing.DEEPEST) if cursor else None,
        open_reports=reports.count_open(conn),
        taken_down=takedowns.count_down(conn),
    )


def business_facts(conn: Connection) -> Business:
    """Return sellers and their accounts."""
    return Business(
        sellers=conn.scalar(select(func.count()).select_from(seller)) or 0,
        without_payout=conn.scalar(select(func.count()).where(seller.c.payout_id.is_(None))) or 0,
        listings=conn.scalar(select(func.count()).select_from(listing).where(listing.c.stopped.is_(None))) or 0,
        payouts=sellers.active_payouts(conn),
        skipped=address_journal.all_skipped(conn),
        issued=tuple(conn.scalars(select(payout.c.next_index).where(payout.c.next_index > 0))),
    )


def probe_storage(directory: Path) -> int:
    """Return free bytes, after a file could be written; raise OSError when none can."""
    with tempfile.TemporaryFile(dir=directory) as file:
        file.write(b"probe" * 100)
        file.flush()
    return shutil.disk_usage(directory).free
