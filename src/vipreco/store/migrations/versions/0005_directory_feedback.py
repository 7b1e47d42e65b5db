"""Directory of customers' names, and marks of reasons and offers that were not useful."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "directory",
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("salutation", sa.String(length=64), nullable=False),
        sa.Column("phone", sa.String(length=64), nullable=False),
        sa.Column("preferred_hours", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name="pk_directory"),
    )
    op.create_table(
        "feedback",
        sa.Column("sequence", NUMBER, nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("product_id", sa.String(length=200), nullable=False),
        sa.Column("reason_id", sa.String(length=64), nullable=False),
        sa.Column("cause", sa.String(length=64), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("recorded_date", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_feedback"),
        sa.UniqueConstraint("actor", "customer_id", "product_id", "reason_id", name="uq_feedback_actor"),
    )
    op.create_index("ix_feedback_customer_id", "feedback", ["customer_id"])
    op.create_index("ix_feedback_reason_id", "feedback", ["reason_id"])
