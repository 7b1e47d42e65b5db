"""Tables of the operational store.

Moments have no time zone: local business time in rows that people record, UTC in rows of the program itself.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMING)
# Auto-incremented in both databases; SQLite does so for INTEGER alone.
Number = BigInteger().with_variant(Integer, "sqlite")
ID, NAME = String(200), String(64)

books = Table(
    "books",
    metadata,
    Column("customer_id", ID, primary_key=True),
    Column("manager_id", ID, index=True),
    Column("branch_id", ID, index=True),
    Column("handle", String(32), nullable=False, unique=True),
    Column("snapshot_id", NAME, nullable=False),
)

covers = Table(
    "covers",
    metadata,
    Column("cover_id", Number, primary_key=True),
    Column("manager_id", ID, nullable=False),
    Column("deputy_id", ID, nullable=False, index=True),
    Column("from_date", Date, nullable=False),
    Column("until_date", Date, nullable=False),
    Column("granted_by", ID, nullable=False),
)

hand_overs = Table(  # customers in another book than the bank's tables say
    "hand_overs",
    metadata,
    Column("customer_id", ID, primary_key=True),
    Column("from_manager_id", ID, nullable=False),
    Column("to_manager_id", ID, nullable=False),
    Column("made_by", ID, nullable=False),
    Column("made_date", Date, nullable=False),
)

changes = Table(
    "changes",
    metadata,
    Column("sequence", Number, primary_key=True),
    Column("customer_id", ID, nullable=False),
    sqlite_autoincrement=True,  # a number is never given out twice
)

contacts = Table(
    "contacts",
    metadata,
    Column("sequence", Number, primary_key=True, autoincrement=False),
    Column("contact_id", ID, nullable=False, index=True),  # versions of one contact share it
    Column("customer_id", ID, nullable=False),
    Column("product_id", ID),
    Column("channel", NAME, nullable=False),
    Column("contacted_at", DateTime, nullable=False),
    Column("outcome", NAME, nullable=False),
    Column("next_date", Date),
    Column("campaign_id", ID),
    Column("recorded_date", Date, nullable=False),
    Column("note", Text, nullable=False),
    Column("actor", ID, nullable=False),
    Column("decision_id", NAME, index=True),
    Column("request_key", String(255)),
    UniqueConstraint("actor", "request_key"),
    Index("ix_contacts_customer_id", "customer_id", "contacted_at"),
)

consents = Table(
    "consents",
    metadata,
    Column("sequence", Number, primary_key=True),
    Column("customer_id", ID, nullable=False, index=True),
    Column("kind", NAME, nullable=False),
    Column("granted", Boolean, nullable=False),
    Column("recorded_date", Date, nullable=False),
    Column("actor", ID, nullable=False),
)

pending_changes = Table(  # exported, but refused by the import: they stay in force from here
    "pending_changes",
    metadata,
    Column("sequence", Number, primary_key=True, autoincrement=False),
    Column("customer_id", ID, nullable=False),
    Column("reason", NAME, nullable=False),
)

suppressions = Table(  # customers who were erased, by pseudonym
    "suppressions",
    metadata,
    Column("pseudonym", NAME, primary_key=True),
    Column("reason", NAME, nullable=False),
    Column("erased_date", Date, nullable=False),
)

directory = Table(  # names of customers: here alone, never in tables, features, logs or receipts
    "directory",
    metadata,
    Column("customer_id", ID, primary_key=True),
    Column("name", ID, nullable=False),
    Column("salutation", NAME, nullable=False),
    Column("phone", NAME, nullable=False),
    Column("preferred_hours", ID, nullable=False),
)

feedback = Table(  # reasons and offers that somebody marked as not useful; an offer has no reason
    "feedback",
    metadata,
    Column("sequence", Number, primary_key=True),
    Column("customer_id", ID, nullable=False, index=True),
    Column("product_id", ID, nullable=False),
    Column("reason_id", NAME, nullable=False, index=True),
    Column("cause", NAME, nullable=False),
    Column("actor", ID, nullable=False),
    Column("recorded_date", Date, nullable=False),
    UniqueConstraint("actor", "customer_id", "product_id", "reason_id"),
)

exports = Table(
    "exports",
    metadata,
    Column("snapshot_id", NAME, primary_key=True),
    Column("sequence", Number, nullable=False),
)

decisions = Table(
    "decisions",
    metadata,
    Column("decision_id", NAME, primary_key=True),
    Column("customer_id", ID, nullable=False, index=True),
    Column("made_at", DateTime, nullable=False, index=True),
    Column("actor", ID, nullable=False),
    Column("record", Text, nullable=False),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("actor", ID, primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("request_hash", String(64), nullable=False),
    Column("status", Integer),
    Column("response", LargeBinary),
    Column("begun_at", DateTime, nullable=False, index=True),
)

users = Table(
    "users",
    metadata,
    Column("user_id", ID, primary_key=True),
    Column("role", NAME, nullable=False),
    Column("manager_id", ID),
    Column("password_hash", String(255), nullable=False),
    Column("subject", String(255), unique=True),
    Column("active", Boolean, nullable=False),
    Column("branch_id", ID),
)

sessions = Table(
    "sessions",
    metadata,
    Column("session_hash", String(64), primary_key=True),
    Column("user_id", ID, ForeignKey("users.user_id"), nullable=False, index=True),
    Column("csrf", NAME, nullable=False),
    Column("expires_at", DateTime, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("token_id", NAME, primary_key=True),
    Column("name", ID, nullable=False),
    Column("role", NAME, nullable=False),
    Column("manager_id", ID),
    Column("secret_hash", String(64), nullable=False),
    Column("created_at", DateTime, nullable=False),
    Column("expires_at", DateTime, nullable=False),
    Column("revoked_at", DateTime),
    Column("used_date", Date),
    Column("branch_id", ID),
)

switches = Table(
    "switches",
    metadata,
    Column("kind", NAME, primary_key=True),
    Column("name", ID, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("actor", ID, nullable=False),
    Column("at", DateTime, nullable=False),
)

campaign_runs = Table(
    "campaign_runs",
    metadata,
    Column("campaign_id", ID, primary_key=True),
    Column("inputs_hash", String(64), nullable=False),
    Column("inputs", Text, nullable=False),
    Column("manifest", Text),
    Column("actor", ID, nullable=False),
)

campaign_members = Table(
    "campaign_members",
    metadata,
    Column("campaign_id", ID, ForeignKey("campaign_runs.campaign_id"), primary_key=True),
    Column("customer_id", ID, primary_key=True, index=True),
    Column("arm", NAME, nullable=False),
    Column("product_id", ID),
    Column("channel", NAME),
    Column("manager_id", ID),
)

audit = Table(
    "audit",
    metadata,
    Column("sequence", Number, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False),
    Column("actor", ID, nullable=False),
    Column("action", NAME, nullable=False),
    Column("object", NAME, nullable=False),
    Column("purpose", NAME, nullable=False),
    Column("model_version", NAME, nullable=False),
    Column("result", NAME, nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)
