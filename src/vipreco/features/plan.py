"""SQL ready to run, from the dictionary: lines repeated for a bank's columns, absent tables left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from vipreco.features.dictionary import PLACEHOLDER, Each, Feature, FeatureFile
from vipreco.history import CONTRACTS

Columns = Callable[[str], Mapping[str, str]]
RULES_ALONE = "attribute_policy_"
"""Attributes that the rules of the policy may ask about, and no model may see."""
_KINDS = {"VARCHAR": "category", "BOOLEAN": "flag", "DATE": "date"}


@dataclass(frozen=True)
class Planned:
    """A file made ready for one history: its SQL and features without placeholders."""

    file: FeatureFile
    sql: str
    features: tuple[Feature, ...]


def plan(file: FeatureFile, sql: str, present_tables: frozenset[str], columns: Columns) -> Planned | None:
    """Return `file` ready to run, or None where the bank has no rows or columns for it.

    Args:
        file: Entry of the dictionary.
        sql: Content of the SQL file.
        present_tables: Tables that were imported.
        columns: Gives the columns of a view with their DuckDB types.
    """
    if file.requires and file.requires not in present_tables:
        return None
    if file.each is None:
        return Planned(file, sql, file.features)
    found = matching_columns(file.each, columns(file.each.table))
    if not found:
        return None
    features = [named(feature, column) for column in found for feature in file.features]
    return Planned(file, repeated(sql, found), tuple(dict.fromkeys(features)))


def matching_columns(each: Each, columns: Mapping[str, str]) -> list[str]:
    """Return the bank's own columns that `each` means, in alphabetical order."""
    contract = CONTRACTS[each.table].types
    return sorted(
        name
        for name, kind in columns.items()
        if name not in contract
        and not name.startswith(RULES_ALONE)
        and fnmatchcase(name, each.columns)
        and _KINDS.get(kind, "number") in each.kinds
    )


def repeated(sql: str, columns: list[str]) -> str:
    """Return `sql` with each line that holds `{column}` once for every column.

    >>> repeated('SELECT customer_id\\n  , "{column}"', ["a", "b"])
    'SELECT customer_id\\n  , "a"\\n  , "b"'
    """
    lines = []
    for line in sql.split("\n"):
        copies = columns if PLACEHOLDER in line else [""]
        lines += [line.replace(PLACEHOLDER, column.replace('"', '""')) for column in copies]
    return "\n".join(lines)


def named(feature: Feature, column: str) -> Feature:
    """Return `feature` with the name of one column in the place of `{column}`."""
    return feature.model_copy(update={"name": feature.name.replace(PLACEHOLDER, column)})
