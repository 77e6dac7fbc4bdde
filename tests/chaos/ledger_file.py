"""The gateway's ledger, read from its database file in one transaction, without Bitcache's code."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """What the gateway believes about one invoice."""

    script: str
    amount: int
    required_confirmations: int
    expires_at: int
    state: str
    marks: frozenset[str]
    received: int
    confirmed: int
    confirmations: int
    seen_at: int | None
    settled_at: int | None


@dataclass(frozen=True)
class Ledger:
    """One consistent look.  ``in_blocks`` and ``waiting`` map outpoints to what is written beside them.

    ``seen`` maps outpoints to when they were first seen, ``grants`` purchases to (granted at, lost at).
    """

    tip: tuple[int, str]
    known_until: int
    invoices: dict[str, InvoiceRow]
    in_blocks: dict[str, tuple[str, int, int, str, bool]]
    waiting: dict[str, tuple[str, int]]
    seen: dict[str, int]
    grants: dict[str, tuple[int, int | None]]
    undelivered: int


def read(database: Path) -> Ledger:
    """The ledger now."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, isolation_level=None)) as db:
        db.row_factory = sqlite3.Row
        db.execute("BEGIN")
        tip = db.execute("SELECT height, hash FROM block ORDER BY height DESC LIMIT 1").fetchone()
        until = db.execute("SELECT until FROM known").fetchone()
        invoices = {row["purchase_id"]: _invoice(row) for row in db.execute("SELECT * FROM invoice")}
        blocks: dict[str, tuple[str, int, int, str, bool]] = {}
        waiting: dict[str, tuple[str, int]] = {}
        seen: dict[str, int] = {}
        for row in db.execute("SELECT * FROM payment WHERE height IS NOT NULL OR unconfirmed = 1"):
            owner, reference, sat = row["purchase_id"], row["reference"], row["amount_sat"]
            seen[reference] = row["seen_at"]
            if row["height"] is None:
                waiting[reference] = (owner, sat)
            else:
                blocks[reference] = (owner, sat, row["height"], row["block_hash"], row["maturity"] > 0)
        grants = {row["purchase_id"]: (row["granted_at"], row["lost_at"]) for row in db.execute("SELECT * FROM grant_")}
        undelivered = db.execute(
            "SELECT count(*) FROM event_log WHERE id > (SELECT max(cursor) FROM event_subscriber)"
        ).fetchone()[0]
    return Ledger(
        (tip["height"], tip["hash"]) if tip else (0, ""),
        until[0] if until else 0,
        invoices,
        blocks,
        waiting,
        seen,
        grants,
        undelivered,
    )


def _invoice(row: sqlite3.Row) -> InvoiceRow:
    return InvoiceRow(
        row["key"].hex(),
        row["amount_sat"],
        row["required_confirmations"],
        row["expires_at"],
        row["state"],
        frozenset(row["marks"].split()),
        row["received_sat"],
        row["confirmed_sat"],
        row["confirmations"],
        row["seen_at"],
        row["settled_at"],
    )
