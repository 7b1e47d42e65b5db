"""Audit records of decisions that are alike but for a number."""

from __future__ import annotations

from datetime import datetime

from vipreco.store import AuditRecord, Decision, Event

NOW = datetime(2026, 3, 2, 10, 0, 0, 123456)  # noqa: DTZ001  the business's local time


def audit_record(number: int) -> AuditRecord:
    """Return the record of one decision for one call; its text has letters beyond ASCII."""
    decision = Decision(f"d{number}", "0001", NOW, "token:1", '{"名":"张"}')
    return AuditRecord(Event("token:1", "offers.read", f"c{number}"), decision)
