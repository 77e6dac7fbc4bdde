"""sellers sign up, sign in with sessions, and change where they are paid after a delay."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE seller ADD COLUMN payout_delay INTEGER DEFAULT '0' NOT NULL")
    op.create_table(
        "access_token",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("seller_id", sa.Integer(), sa.ForeignKey("seller.id"), nullable=False, index=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("last_used_at", sa.Integer(), nullable=False),
    )
    op.create_table(
        "account_index",
        sa.Column("seller_id", sa.Integer(), sa.ForeignKey("seller.id"), primary_key=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("updated_at", sa.Integer(), nullable=False),
    )
    op.create_table(
        "account_event",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("seller_id", sa.Integer(), sa.ForeignKey("seller.id"), nullable=False, index=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
    )
    op.create_table(
        "invite",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.Integer(), nullable=False),
        sa.Column("used_at", sa.Integer()),
        sa.Column("seller_id", sa.Integer(), sa.ForeignKey("seller.id")),
    )
    op.create_table(
        "payout_change",
        sa.Column("seller_id", sa.Integer(), sa.ForeignKey("seller.id"), primary_key=True),
        sa.Column("payout_id", sa.Integer(), sa.ForeignKey("payout.id")),
        sa.Column("connection_id", sa.Integer(), sa.ForeignKey("wallet_connection.id")),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("effective_at", sa.Integer(), nullable=False, index=True),
    )


def downgrade() -> None:
    raise NotImplementedError("an older Bitcache knows no accounts: restore a backup instead")
