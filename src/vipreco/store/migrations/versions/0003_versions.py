"""Contacts with versions and request keys, and changes that the tables do not hold yet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
COLUMNS = (
    "sequence, contact_id, customer_id, product_id, channel, contacted_at, outcome, next_date, campaign_id, "
    "recorded_date, note, actor, decision_id"
)


def upgrade() -> None:
    """Number the versions of a contact, and add the list of changes that wait for the tables."""
    if op.get_bind().dialect.name == "postgresql":
        _change_contacts()
    else:
        _copy_contacts()
    op.create_index("ix_contacts_contact_id", "contacts", ["contact_id"])
    op.create_table(
        "pending_changes",
        sa.Column("sequence", NUMBER, autoincrement=False, nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_pending_changes"),
    )


def _change_contacts() -> None:
    op.add_column("contacts", sa.Column("request_key", sa.String(length=255), nullable=True))
    op.drop_constraint("pk_contacts", "contacts")
    op.drop_constraint("uq_contacts_sequence", "contacts")
    op.create_primary_key("pk_contacts", "contacts", ["sequence"])
    op.create_unique_constraint("uq_contacts_actor", "contacts", ["actor", "request_key"])


def _copy_contacts() -> None:
    """SQLite cannot change the key of a table: its rows move into a new one."""
    for index in ("ix_contacts_customer_id", "ix_contacts_decision_id"):
        op.drop_index(index, table_name="contacts")
    op.rename_table("contacts", "contacts_before")
    op.create_table(
        "contacts",
        sa.Column("sequence", NUMBER, autoincrement=False, nullable=False),
        sa.Column("contact_id", sa.String(length=200), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("product_id", sa.String(length=200), nullable=True),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("contacted_at", sa.DateTime(), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.Column("next_date", sa.Date(), nullable=True),
        sa.Column("campaign_id", sa.String(length=200), nullable=True),
        sa.Column("recorded_date", sa.Date(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("decision_id", sa.String(length=64), nullable=True),
        sa.Column("request_key", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("sequence", name="pk_contacts"),
        sa.UniqueConstraint("actor", "request_key", name="uq_contacts_actor"),
    )
    op.execute(f"INSERT INTO contacts ({COLUMNS}) SELECT {COLUMNS} FROM contacts_before")
    op.drop_table("contacts_before")
    op.create_index("ix_contacts_customer_id", "contacts", ["customer_id", "contacted_at"])
    op.create_index("ix_contacts_decision_id", "contacts", ["decision_id"])
