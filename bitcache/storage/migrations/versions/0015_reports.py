"""visitors report files, and the operator takes files down."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "report",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("file_id", sa.Text(), sa.ForeignKey("listing.file_id"), nullable=False, index=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("wrapped_link", sa.LargeBinary()),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.Integer(), nullable=False),
        sa.Column("closed_at", sa.Integer()),
    )
    op.execute("CREATE INDEX report_open ON report (id) WHERE closed_at IS NULL")
    op.create_table(
        "takedown",
        sa.Column("file_id", sa.Text(), sa.ForeignKey("listing.file_id"), primary_key=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
    )
    op.create_table(
        "operator_action",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=False, index=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
    )


def downgrade() -> None:
    raise NotImplementedError("an older Bitcache would sell what was taken down: restore a backup instead")
