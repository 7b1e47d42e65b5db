"""Pseudonyms of customers who were erased: they are not taken in again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "suppressions",
        sa.Column("pseudonym", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("erased_date", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("pseudonym", name="pk_suppressions"),
    )
