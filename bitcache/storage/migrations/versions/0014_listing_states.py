"""a listing is paused, withdrawn, or deleted: then its bytes go after the days that its buyers were promised."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_INDEX = """
CREATE INDEX listing_deleted ON listing (kept_until) WHERE kept_until IS NOT NULL AND removed_at IS NULL
"""


def upgrade() -> None:
    op.execute("ALTER TABLE listing ADD COLUMN stopped TEXT")
    op.execute("ALTER TABLE listing ADD COLUMN kept_until INTEGER")
    op.execute("ALTER TABLE listing ADD COLUMN removed_at INTEGER")
    op.execute(
        "CREATE INDEX listing_deleted ON listing (kept_until) WHERE kept_until IS NOT NULL AND removed_at IS NULL"
    )


def downgrade() -> None:
    raise NotImplementedError("an older Bitcache would sell what was withdrawn: restore a backup instead")
