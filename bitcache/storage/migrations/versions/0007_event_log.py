"""events are kept, and read by any number of subscribers; the outbox held them for one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "event_log",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "event_subscriber",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.execute(
        "INSERT INTO event_log (id, kind, subject, created_at) "
        "SELECT id, 'purchase.changed', purchase_id, created_at FROM outbox"
    )
    op.execute("INSERT INTO event_subscriber (name, cursor) VALUES ('pages', 0)")
    op.drop_table("outbox")


def downgrade() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("purchase_id", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["purchase_id"], ["purchase.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute(
        "INSERT INTO outbox SELECT id, subject, 'purchase', created_at FROM event_log WHERE kind LIKE 'purchase.%' "
        "AND id > (SELECT cursor FROM event_subscriber WHERE name = 'pages')"
    )
    op.drop_table("event_subscriber")
    op.drop_table("event_log")
