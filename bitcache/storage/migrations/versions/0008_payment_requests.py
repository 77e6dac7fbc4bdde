"""an invoice can be paid in several ways: its address moves to a payment request, and payments name their rail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_MOVE_INVOICES = (
    "INSERT INTO invoice (purchase_id, payout_id, amount_sat, required_confirmations, created_at, expires_at, state, "
    "marks, received_sat, confirmed_sat, confirmations, seen_at, settled_at) "
    "SELECT purchase_id, payout_id, amount_sat, required_confirmations, created_at, expires_at, state, marks, "
    "received_sat, confirmed_sat, confirmations, seen_at, settled_at FROM old_invoice"
)


def upgrade() -> None:
    op.rename_table("invoice", "old_invoice")
    op.rename_table("payment", "old_payment")
    for name in ("invoice_state", "invoice_not_final", "ix_payment_block_hash", "payment_purchase"):
        op.execute(f"DROP INDEX {name}")
    op.execute("DROP INDEX payment_unconfirmed")
    op.execute("DROP INDEX payment_outside")
    _create_invoice()
    _create_payment_request()
    _create_payment()
    _create_known_until()
    op.execute(_MOVE_INVOICES)
    # received: what survives, as settlement counts it
    op.execute(
        "INSERT INTO payment_request (purchase_id, rail, scope, destination, match_key, minimum_sat, expires_at, "
        "payout_id, key_index, received_sat, created_at) "
        "SELECT i.purchase_id, i.rail, 'chain', i.address, i.key, p.minimum_sat, i.expires_at, i.payout_id, "
        "i.key_index, i.received_sat, i.created_at FROM old_invoice i JOIN payout p ON p.id = i.payout_id "
        "ORDER BY i.created_at, i.payout_id, i.key_index"
    )
    op.execute(
        "INSERT INTO payment (rail, reference, purchase_id, request_id, amount_sat, status, seen_at, maturity, height, "
        "block_hash, absent_since) "
        "SELECT r.rail, p.reference, p.purchase_id, r.id, p.amount_sat, "
        "CASE WHEN p.height IS NULL AND p.unconfirmed = 0 THEN 'withdrawn' ELSE 'surviving' END, p.seen_at, "
        "p.maturity, p.height, p.block_hash, p.absent_since "
        "FROM old_payment p JOIN payment_request r ON r.purchase_id = p.purchase_id"
    )
    op.execute("INSERT INTO known_until (scope, until) SELECT 'chain', until FROM known")
    for table in ("old_payment", "old_invoice", "known"):
        op.drop_table(table)


def downgrade() -> None:
    raise NotImplementedError("an older Bitcache cannot tell several ways to pay apart: restore a backup instead")


def _create_invoice() -> None:
    op.create_table(
        "invoice",
        sa.Column("purchase_id", sa.Text(), nullable=False),
        sa.Column("payout_id", sa.Integer(), nullable=False),
        sa.Column("amount_sat", sa.Integer(), nullable=False),
        sa.Column("required_confirmations", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("marks", sa.Text(), nullable=False),
        sa.Column("received_sat", sa.Integer(), nullable=False),
        sa.Column("confirmed_sat", sa.Integer(), nullable=False),
        sa.Column("confirmations", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.Integer()),
        sa.Column("settled_at", sa.Integer()),
        sa.ForeignKeyConstraint(["purchase_id"], ["purchase.id"]),
        sa.ForeignKeyConstraint(["payout_id"], ["payout.id"]),
        sa.PrimaryKeyConstraint("purchase_id"),
    )
    op.create_index("invoice_state", "invoice", ["state", "expires_at"])
    op.create_index(
        "invoice_not_final", "invoice", ["purchase_id"], sqlite_where=sa.text("received_sat > confirmed_sat")
    )


def _create_payment_request() -> None:
    op.create_table(
        "payment_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("purchase_id", sa.Text(), nullable=False),
        sa.Column("rail", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text()),
        sa.Column("match_key", sa.LargeBinary()),
        sa.Column("minimum_sat", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.Integer(), nullable=False),
        sa.Column("unavailable", sa.Text()),
        sa.Column("payout_id", sa.Integer()),
        sa.Column("key_index", sa.Integer()),
        sa.Column("received_sat", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["purchase_id"], ["invoice.purchase_id"]),
        sa.ForeignKeyConstraint(["payout_id"], ["payout.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("scope", "match_key"),
        sa.UniqueConstraint("payout_id", "key_index"),
    )
    op.create_index("payment_request_purchase", "payment_request", ["purchase_id"])
    op.create_index(
        "payment_request_preparing",
        "payment_request",
        ["id"],
        sqlite_where=sa.text("destination IS NULL AND unavailable IS NULL"),
    )


def _create_payment() -> None:
    op.create_table(
        "payment",
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("rail", sa.Text(), nullable=False),
        sa.Column("purchase_id", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("amount_sat", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.Integer(), nullable=False),
        sa.Column("maturity", sa.Integer()),
        sa.Column("height", sa.Integer()),
        sa.Column("block_hash", sa.Text()),
        sa.Column("absent_since", sa.Integer()),
        sa.ForeignKeyConstraint(["purchase_id"], ["invoice.purchase_id"]),
        sa.ForeignKeyConstraint(["request_id"], ["payment_request.id"]),
        sa.PrimaryKeyConstraint("reference", "rail"),
    )
    op.create_index("ix_payment_block_hash", "payment", ["block_hash"])
    op.create_index("payment_purchase", "payment", ["purchase_id"])
    op.create_index(
        "payment_waiting",
        "payment",
        ["status", "purchase_id"],
        sqlite_where=sa.text("height IS NULL AND maturity IS NOT NULL"),
    )


def _create_known_until() -> None:
    op.create_table(
        "known_until",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("until", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("scope"),
    )
