"""what a listing sold and which addresses were never paid is kept, not added up at every look."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_SALES = """
insert into listing_sales (file_id, settled, pending, received_sat)
select transfer.file_id, sum(state = 'settled'), sum(state = 'processing'), sum((state = 'settled') * received_sat)
from invoice join transfer on transfer.id = invoice.transfer_id group by transfer.file_id
"""
_CLOSED_RUNS = """
insert into unpaid_run (payout_id, first, length)
select payout_id, previous + 1, key_index - previous - 1 from (
    select payout_id, key_index, lag(key_index, 1, -1) over (partition by payout_id order by key_index) as previous
    from invoice where received_sat > 0
) where key_index > previous + 1
"""
_LAST_RUNS = """
insert into unpaid_run (payout_id, first, length)
select payout_id, max(key_index) + 1, null from invoice where received_sat > 0 group by payout_id
"""


def upgrade() -> None:
    op.create_table(
        "listing_sales",
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.Column("settled", sa.Integer(), nullable=False),
        sa.Column("pending", sa.Integer(), nullable=False),
        sa.Column("received_sat", sa.Integer(), nullable=False, comment="on settled invoices"),
        sa.ForeignKeyConstraint(["file_id"], ["listing.file_id"]),
        sa.PrimaryKeyConstraint("file_id"),
    )
    op.create_table(
        "unpaid_run",
        sa.Column("payout_id", sa.Integer(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False, comment="index of the run's first address"),
        sa.Column("length", sa.Integer(), nullable=True, comment="how many; null: the last run, which still grows"),
        sa.ForeignKeyConstraint(["payout_id"], ["payout.id"]),
        sa.PrimaryKeyConstraint("payout_id", "first"),
    )
    op.create_index("unpaid_run_length", "unpaid_run", ["payout_id", "length"])
    op.create_index("listing_page", "listing", ["seller_id", "created_at", "file_id"])
    op.drop_index("ix_listing_seller_id", "listing")
    for fill in (_SALES, _CLOSED_RUNS, _LAST_RUNS):
        op.execute(fill)


def downgrade() -> None:
    op.create_index("ix_listing_seller_id", "listing", ["seller_id"])
    op.drop_index("listing_page", "listing")
    op.drop_table("unpaid_run")
    op.drop_table("listing_sales")
