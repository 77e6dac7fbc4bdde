"""a transfer is called a purchase; the confirmations asked for, and those there are, by the API's names."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_COLUMNS = [
    ("invoice", "transfer_id", "purchase_id"),
    ("payment", "transfer_id", "purchase_id"),
    ("grant_", "transfer_id", "purchase_id"),
    ("outbox", "transfer_id", "purchase_id"),
    ("invoice", "confirmations", "required_confirmations"),
    ("invoice", "depth", "confirmations"),
]
#: name before, name after, and what follows CREATE INDEX.
_INDEXES = [
    ("transfer_listing", "purchase_listing", "{purchase} (file_id, created_at)"),
    ("transfer_counted", "purchase_counted", "{purchase} (counted_until) WHERE counted_until IS NOT NULL"),
    ("payment_transfer", "payment_purchase", "payment ({purchase}_id)"),
]


def upgrade() -> None:
    op.rename_table("transfer", "purchase")
    for table, before, after in _COLUMNS:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {before} TO {after}")
    for before, after, rest in _INDEXES:
        op.execute(f"DROP INDEX {before}")
        op.execute(f"CREATE INDEX {after} ON {rest.format(purchase='purchase')}")


def downgrade() -> None:
    for _, after, _ in _INDEXES:
        op.execute(f"DROP INDEX {after}")
    for table, before, after in reversed(_COLUMNS):
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {after} TO {before}")
    op.rename_table("purchase", "transfer")
    for before, _, rest in _INDEXES:
        op.execute(f"CREATE INDEX {before} ON {rest.format(purchase='transfer')}")
