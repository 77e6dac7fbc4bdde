"""a payment request may be looked up at an address that came with it (LUD-21)."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE payment_request ADD COLUMN status_url TEXT")


def downgrade() -> None:
    raise NotImplementedError("an older Bitcache cannot look these payment requests up: restore a backup instead")
