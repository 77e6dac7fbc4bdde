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

    ``in_wallet`` has the payments of the second rail: owner, satoshis, whether they are final.
    ``seen`` maps payments to when they were first seen, ``grants`` purchases to (granted at, lost at).
    ``known_until`` is that of the chain, ``wallet_until`` that of the second rail and ``lightning_until`` that of
    Lightning, on which the invoices of ``wallet_ready`` and ``lightning_ready`` can be paid, too; ``preparing`` counts
    the payment requests that are not decided.
    """

    tip: tuple[int, str]
    known_until: int
    wallet_until: int
    wallet_ready: frozenset[str]
    lightning_until: int
    lightning_ready: frozenset[str]
    preparing: int
    invoices: dict[str, InvoiceRow]
    in_blocks: dict[str, tuple[str, int, int, str, bool]]
    waiting: dict[str, tuple[str, int]]
    in_wallet: dict[str, tuple[str, int, bool]]
    seen: dict[str, int]
    grants: dict[str, tuple[int, int | None]]
    undelivered: int

    def until(self, purchase_id: str) -> int:
        """Up to when everything that can pay this purchase is known."""
        wallet = self.wallet_until if purchase_id in self.wallet_ready else self.known_until
        return min(self.known_until, wallet, self.lightning_until if purchase_id in self.lightning_ready else wallet)


def read(database: Path) -> Ledger:
    """The ledger now."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, isolation_level=None)) as db:
        db.row_factory = sqlite3.Row
        db.execute("BEGIN")
        tip = db.execute("SELECT height, hash FROM block ORDER BY height DESC LIMIT 1").fetchone()
        until = {row["scope"]: row["until"] for row in db.execute("SELECT * FROM known_until")}
        scripts = dict(
            db.execute("SELECT purchase_id, match_key FROM payment_request WHERE scope = 'chain'").fetchall()
        )
        invoices = {
            row["purchase_id"]: _invoice(row, scripts[row["purchase_id"]])
            for row in db.execute("SELECT * FROM invoice")
        }
        ready = db.execute("SELECT purchase_id, rail FROM payment_request WHERE destination IS NOT NULL").fetchall()
        undecided = "SELECT count(*) FROM payment_request WHERE destination IS NULL AND unavailable IS NULL"
        preparing = db.execute(undecided).fetchone()[0]
        blocks: dict[str, tuple[str, int, int, str, bool]] = {}
        waiting: dict[str, tuple[str, int]] = {}
        in_wallet: dict[str, tuple[str, int, bool]] = {}
        seen: dict[str, int] = {}
        for row in db.execute("SELECT * FROM payment WHERE status <> 'withdrawn'"):
            owner, reference, sat = row["purchase_id"], row["reference"], row["amount_sat"]
            seen[reference] = row["seen_at"]
            if row["maturity"] is None:
                in_wallet[reference] = (owner, sat, row["status"] == "final")
            elif row["height"] is None:
                waiting[reference] = (owner, sat)
            else:
                blocks[reference] = (owner, sat, row["height"], row["block_hash"], row["maturity"] > 0)
        grants = {row["purchase_id"]: (row["granted_at"], row["lost_at"]) for row in db.execute("SELECT * FROM grant_")}
        undelivered = db.execute(
            "SELECT count(*) FROM event_log WHERE id > (SELECT max(cursor) FROM event_subscriber)"
        ).fetchone()[0]
    return Ledger(
        (tip["height"], tip["hash"]) if tip else (0, ""),
        until.get("chain", 0),
        until.get("wallet:simulated", 0),
        _ready_on("simulated", ready),
        next((at for scope, at in until.items() if scope.startswith("lightning")), 0),
        _ready_on("lightning", ready),
        preparing,
        invoices,
        blocks,
        waiting,
        in_wallet,
        seen,
        grants,
        undelivered,
    )


def _ready_on(rail: str, ready: list[sqlite3.Row]) -> frozenset[str]:
    return frozenset(row["purchase_id"] for row in ready if row["rail"] == rail)


def _invoice(row: sqlite3.Row, script: bytes) -> InvoiceRow:
    return InvoiceRow(
        script.hex(),
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
