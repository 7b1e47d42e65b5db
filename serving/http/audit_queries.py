"""Questions to the audit as an address has them, for its page and for programs."""

from __future__ import annotations

from datetime import date
from typing import Final

from vipreco.store import AuditQuery

FIELDS: Final = ("actor", "action", "object", "result", "since", "until", "before")
MAX_DIGITS: Final = 15  # more records than that no store can number


def audit_query(given: dict[str, str]) -> tuple[AuditQuery, str]:
    """Return the query of an address, and the name of the field that is wrong."""
    try:
        since, until = (
            date.fromisoformat(given[name]) if given[name] else None for name in ("since", "until")
        )
        before = _number(given["before"])
    except ValueError:
        return AuditQuery(), "audit.wrong_date"
    exact = (given["actor"], given["action"], given["object"], given["result"])
    return AuditQuery(*exact, since, until, before), ""


def _number(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
        raise ValueError(text)
    return int(text)
