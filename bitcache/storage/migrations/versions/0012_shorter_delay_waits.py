"""a shorter waiting time waits itself, together with the change of payout that it would have made easier."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE payout_change ADD COLUMN delay INTEGER")


def downgrade() -> None:
    raise NotImplementedError("a waiting time that waits would be forgotten: restore a backup instead")
