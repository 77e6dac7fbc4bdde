"""a payment that left the node's mempool is kept, and its transaction handed to the node again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("payment", sa.Column("absent_since", sa.Integer()))
    op.create_table(
        "payment_transaction",
        sa.Column("txid", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("txid", "position"),
    )


def downgrade() -> None:
    op.drop_table("payment_transaction")
    op.drop_column("payment", "absent_since")
