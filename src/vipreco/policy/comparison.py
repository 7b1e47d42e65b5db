"""The difference of two versions of the rules, rule by rule and field by field."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from vipreco.policy.compiled_rules import Compiled
from vipreco.policy.policy import Policy

SQL = ("concerns", "requires")  # compared with their parameters filled in


class Change(StrEnum):
    """Kinds of a difference."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True)
class FieldChange:
    """One field of a rule; empty where it has none."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class RuleChange:
    """One rule that differs.

    Args:
        rule: Its id.
        change: Kind of the difference.
        law: Whether it is law, in either version.
        fields: What differs; all fields of a rule that is new or gone.
    """

    rule: str
    change: Change
    law: bool
    fields: tuple[FieldChange, ...]


def compare_policies(before: Policy, after: Policy) -> list[RuleChange]:
    """Return the rules that differ: the gone and the changed in the old order, then the new ones."""
    old = {one.entry.id: one for one in before.compiled}
    new = {one.entry.id: one for one in after.compiled}
    found = [_compared(name, one, new.get(name)) for name, one in old.items()]
    found += [_compared(name, None, one) for name, one in new.items() if name not in old]
    return [one for one in found if one.fields]


def _compared(name: str, before: Compiled | None, after: Compiled | None) -> RuleChange:
    old, new = _fields(before), _fields(after)
    change = Change.ADDED if before is None else Change.REMOVED if after is None else Change.CHANGED
    fields = (FieldChange(key, old.get(key, ""), new.get(key, "")) for key in {**old, **new})
    law = any(one is not None and one.entry.law for one in (before, after))
    return RuleChange(name, change, law, tuple(one for one in fields if one.before != one.after))


def _fields(one: Compiled | None) -> dict[str, str]:
    """Return what a rule says as text, by field."""
    if one is None:
        return {}
    entry: dict[str, Any] = one.entry.model_dump(mode="json", exclude={"id", *SQL})
    found = {"concerns": one.concerns_sql, "requires": one.requires_sql, "file": one.pack}
    for key, value in entry.items():
        if isinstance(value, dict):
            found |= {f"{key}.{language}": text for language, text in value.items() if text}
        elif value not in (None, "", False, []):
            found[key] = (
                "yes" if value is True else ", ".join(value) if isinstance(value, list) else str(value)
            )
    return found
