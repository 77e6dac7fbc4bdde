"""unpaid invoices are counted by every network around the buyer's, listing, account and in all."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "open_count",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.drop_index("transfer_open", "transfer")
    op.drop_index("transfer_buyer", "transfer")
    op.execute("ALTER TABLE transfer RENAME COLUMN buyer TO networks")
    op.execute("UPDATE transfer SET networks = NULL WHERE networks IS NOT NULL")  # of another kind, and not counted
    op.add_column("transfer", sa.Column("counted_until", sa.Integer()))
    op.create_index(
        "transfer_counted", "transfer", ["counted_until"], sqlite_where=sa.text("counted_until IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("transfer_counted", "transfer")
    op.drop_column("transfer", "counted_until")
    op.execute("ALTER TABLE transfer RENAME COLUMN networks TO buyer")
    op.create_index("transfer_buyer", "transfer", ["buyer"], sqlite_where=sa.text("buyer IS NOT NULL"))
    op.create_index("transfer_open", "transfer", ["file_id"], sqlite_where=sa.text("buyer IS NOT NULL"))
    op.drop_table("open_count")
