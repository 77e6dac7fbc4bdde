"""a seller limits how long, and how often, a file is sold."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE listing ADD COLUMN sell_until INTEGER")
    op.execute("ALTER TABLE listing ADD COLUMN most_sales INTEGER")


def downgrade() -> None:
    raise NotImplementedError("an older Bitcache would sell more than its sellers allow: restore a backup instead")
