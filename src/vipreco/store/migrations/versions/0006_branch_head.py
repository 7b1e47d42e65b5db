"""Branch of a branch head's account or token."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, and an index for the customers of a branch."""
    for table in ("users", "tokens"):
        op.add_column(table, sa.Column("branch_id", sa.String(length=200), nullable=True))
    op.create_index("ix_books_branch_id", "books", ["branch_id"])
