"""what a new block can change, and what waits for money, is found by an index, however much was sold before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "invoice_not_final", "invoice", ["transfer_id"], sqlite_where=sa.text("received_sat > confirmed_sat")
    )
    op.create_index("transfer_open", "transfer", ["file_id"], sqlite_where=sa.text("buyer IS NOT NULL"))


def downgrade() -> None:
    op.drop_index("transfer_open", "transfer")
    op.drop_index("invoice_not_final", "invoice")
