"""Customers who were handed over to another manager since the bank's tables were made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "hand_overs",
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("from_manager_id", sa.String(length=200), nullable=False),
        sa.Column("to_manager_id", sa.String(length=200), nullable=False),
        sa.Column("made_by", sa.String(length=200), nullable=False),
        sa.Column("made_date", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name="pk_hand_overs"),
    )
