"""a seller may connect a wallet that is asked for payment requests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "wallet_connection",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("rail", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
    )
    # SQLite adds a column that refers to another table, if its default is null.
    op.execute("ALTER TABLE seller ADD COLUMN connection_id INTEGER REFERENCES wallet_connection (id)")
    op.execute("ALTER TABLE payment_request ADD COLUMN asked_sat INTEGER")


def downgrade() -> None:
    raise NotImplementedError("an older Bitcache cannot ask a wallet for payment requests: restore a backup instead")
