"""which purchases were paid for is kept by seller and time, for the seller's list of sales."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_BEFORE = """
insert into sale (purchase_id, seller_id, first_seen_at)
select invoice.purchase_id, listing.seller_id, invoice.seen_at from invoice
join purchase on purchase.id = invoice.purchase_id join listing on listing.file_id = purchase.file_id
where invoice.seen_at is not null
"""


def upgrade() -> None:
    op.create_table(
        "sale",
        sa.Column("purchase_id", sa.Text(), sa.ForeignKey("purchase.id"), primary_key=True),
        sa.Column("seller_id", sa.Integer(), sa.ForeignKey("seller.id"), nullable=False),
        sa.Column("first_seen_at", sa.Integer(), nullable=False),
    )
    op.create_index("sale_page", "sale", ["seller_id", "first_seen_at", "purchase_id"])
    op.execute(_BEFORE)


def downgrade() -> None:
    op.drop_table("sale")
