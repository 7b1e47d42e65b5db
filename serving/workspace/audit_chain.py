"""Verification of the audit: every record against the chain, the chain against signed heads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from serving.http.app_state import AppState
from vipreco.errors import IntegrityError, UsageError
from vipreco.store import Event


@dataclass(frozen=True)
class VerifiedChain:
    """Outcome of a verification.

    Args:
        sequence: Number of the last record.
        hash: Its hash.
        against_heads: Whether signed heads were there to compare with; without, a cut tail goes unnoticed.
        broken: Where the audit does not match its chain; empty where it does.
    """

    sequence: int = 0
    hash: str = ""
    against_heads: bool = False
    broken: str = ""


def verify_chain(state: AppState, actor: str) -> VerifiedChain:
    """Return whether the audit matches its chain, and record who verified it."""
    heads = state.settings.audit_heads
    folder = None if heads is None else state.root / heads
    signed = folder is not None and _has_heads(folder)
    try:
        keys = () if folder is None else state.keys.public_keys
        head = state.store.audit.verify(folder if signed else None, keys)
    except (IntegrityError, UsageError) as error:
        state.note_at_once(Event(actor, "audit.verify", "broken"))
        return VerifiedChain(broken=str(error))
    state.note_at_once(Event(actor, "audit.verify", str(head.sequence)))
    return VerifiedChain(head.sequence, head.hash, signed)


def _has_heads(folder: Path) -> bool:
    return folder.is_dir() and any(folder.glob("audit-*.json"))
