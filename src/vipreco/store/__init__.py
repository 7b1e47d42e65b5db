"""Operational records in a relational database: contacts, outcomes, users, tokens, campaigns, audit."""

from vipreco.store.audit import AuditTrail, Event, Head
from vipreco.store.books import Cover, Granted, Member
from vipreco.store.campaigns import Run
from vipreco.store.connection import Database
from vipreco.store.consents import Consent
from vipreco.store.contacts import Contact, Recorded
from vipreco.store.decisions import Decision
from vipreco.store.idempotency import Begun, Ticket
from vipreco.store.keys import Keys
from vipreco.store.retention import Before, Pruned
from vipreco.store.scope import Role, Scope
from vipreco.store.spool import Note, Spool
from vipreco.store.store import Store
from vipreco.store.switches import Off, Switch
from vipreco.store.tokens import Token
from vipreco.store.users import Session, User

__all__ = [
    "AuditTrail",
    "Before",
    "Begun",
    "Consent",
    "Contact",
    "Cover",
    "Database",
    "Decision",
    "Event",
    "Granted",
    "Head",
    "Keys",
    "Member",
    "Note",
    "Off",
    "Pruned",
    "Recorded",
    "Role",
    "Run",
    "Scope",
    "Session",
    "Spool",
    "Store",
    "Switch",
    "Ticket",
    "Token",
    "User",
]
