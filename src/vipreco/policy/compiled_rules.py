"""From rule files to compiled rules: parameters filled in, conditions parsed, the order fixed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vipreco.errors import UsageError
from vipreco.policy.columns import KNOWN, PolicyColumn, column_of, nearest
from vipreco.policy.conditions import Atom, parse_condition
from vipreco.policy.definition import file_names
from vipreco.policy.packfile import Pack, RuleEntry, Stage
from vipreco.project import parse_content
from vipreco.settings import ParameterValue, PolicySettings

_PARAMETER = re.compile(r":([a-z][a-z0-9_]*)")
_WORD = re.compile(r"[a-z][a-z0-9_]*")
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_STAGES = tuple(Stage)
PASSES: Final = 32_767
"""Code of a pair that a rule lets pass: above the number of any rule."""


@dataclass(frozen=True)
class Compiled:
    """A rule that can be evaluated.

    Args:
        entry: As it is written.
        pack: Name of its file.
        concerns: Parts of the condition on the rows that it is about.
        requires: Parts of the condition that must be true.
        number: Verdict where the condition is false.
        unknown_number: Verdict where it is unknown.
        parameters: Values of the parameters of its file.
        concerns_sql: The first condition with its parameters filled in.
        requires_sql: The second.
    """

    entry: RuleEntry
    pack: str
    concerns: tuple[Atom, ...]
    requires: tuple[Atom, ...]
    number: int
    unknown_number: int
    parameters: Mapping[str, ParameterValue]
    concerns_sql: str
    requires_sql: str

    @property
    def where(self) -> str:
        """File and rule, for errors."""
        return f"{self.pack}: rule {self.entry.id}"

    @cached_property
    def verdicts(self) -> NDArray[np.int16]:
        """Verdict by the truth of what is required: false, true, unknown."""
        return np.array([self.number, PASSES, self.unknown_number], np.int16)

    @cached_property
    def condition_columns(self) -> frozenset[str]:
        """Names of the columns of its conditions."""
        return frozenset().union(*(atom.columns for atom in (*self.concerns, *self.requires)))

    @cached_property
    def required_columns(self) -> frozenset[str]:
        """Names of the columns that must have the right values where the rule concerns a row."""
        return frozenset().union(*(atom.columns for atom in self.requires))

    @cached_property
    def columns(self) -> frozenset[str]:
        """The same with those that its texts mention."""
        return self.condition_columns | {
            name for name in placeholders(self.entry) if name not in self.parameters
        }


def read_packs(definition: Mapping[str, bytes], settings: PolicySettings) -> dict[str, Pack]:
    """Return the parsed rule files, by file name, in the order of the settings."""
    return {name: parse_content(definition[name], Pack, name) for name in file_names(settings)}


def known_columns(packs: Mapping[str, Pack]) -> dict[str, PolicyColumn]:
    """Return every column that the files may speak of: ours, the bank's own, and the windows they name."""
    own = {column.name: column for pack in packs.values() for column in pack.own_columns()}
    texts = (text for pack in packs.values() for entry in pack.rule for text in _texts(entry))
    words = {word for text in texts for word in _WORD.findall(text)}
    named = {word: column for word in words if (column := column_of(word, own.values()))}
    return {**own, **named, **KNOWN}


def compile_rules(
    packs: Mapping[str, Pack], settings: PolicySettings, known: Mapping[str, PolicyColumn]
) -> tuple[Compiled, ...]:
    """Return the rules in the order in which they are asked: by stage, then by file, then as written.

    Raises:
        UsageError: A condition, a parameter or a placeholder is wrong, or an id stands twice.
    """
    written = [(name, entry) for name, pack in packs.items() for entry in pack.rule]
    ordered = sorted(written, key=lambda item: _STAGES.index(item[1].stage))
    _check_ids([entry.id for _, entry in ordered])
    compiled, number = [], 1
    for name, entry in ordered:
        values = {**packs[name].parameters, **_given(settings, packs[name])}
        compiled.append(_compile(entry, name, number, values, known))
        number = compiled[-1].unknown_number + 1
    return tuple(compiled)


def placeholders(entry: RuleEntry) -> frozenset[str]:
    """Return the names in braces in the texts of a rule."""
    words = (entry.text, entry.unlock, entry.unknown_text, entry.unknown_unlock)
    texts = [text for item in words if item for text in (item.en, item.zh)]
    return frozenset(name for text in texts for name in _PLACEHOLDER.findall(text))


def _texts(entry: RuleEntry) -> tuple[str, ...]:
    return entry.concerns, entry.requires, *placeholders(entry)


def _given(settings: PolicySettings, pack: Pack) -> dict[str, ParameterValue]:
    return {name: value for name, value in settings.parameters.items() if name in pack.parameters}


def _compile(
    entry: RuleEntry,
    file: str,
    number: int,
    values: Mapping[str, ParameterValue],
    known: Mapping[str, PolicyColumn],
) -> Compiled:
    where = f"{file}: rule {entry.id}"
    _check_placeholders(entry, {*known, *values}, where)
    concerns, requires = (_filled(sql, values, where) for sql in (entry.concerns, entry.requires))
    return Compiled(
        entry=entry,
        pack=file,
        concerns=parse_condition(concerns, known, f"{where}, concerns"),
        requires=parse_condition(requires, known, f"{where}, requires"),
        number=number,
        unknown_number=number + (entry.unknown_reason_code is not None),
        parameters=values,
        concerns_sql=concerns,
        requires_sql=requires,
    )


def _filled(sql: str, values: Mapping[str, ParameterValue], where: str) -> str:
    missing = sorted(set(_PARAMETER.findall(sql)) - set(values))
    if missing:
        raise UsageError(
            f"names the parameter {missing[0]}, which the file does not declare{nearest(missing[0], values)}",
            where=where,
            remedy="declare it in [parameters]",
            code="policy-parameter",
        )
    return _PARAMETER.sub(lambda found: literal(values[found[1]]), sql)


def literal(value: ParameterValue) -> str:
    """Return a value as SQL: a number, a quoted text, or a list of quoted texts.

    >>> literal(("a", "o'b")), literal(12.0)
    ("'a', 'o''b'", '12')
    """
    if isinstance(value, tuple):
        return ", ".join(literal(item) for item in value)
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(int(value)) if value == int(value) else repr(value)


def _check_ids(ids: Sequence[str]) -> None:
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise UsageError(
            "two rules have the same id",
            where=", ".join(twice),
            remedy="give each rule an id of its own",
            code="policy-duplicate",
        )


def _check_placeholders(entry: RuleEntry, known: set[str], where: str) -> None:
    unknown = sorted(placeholders(entry) - known)
    if unknown:
        raise UsageError(
            "a text mentions an unknown fact",
            where=where,
            remedy="`vipreco policy columns` lists the facts",
            code="policy-placeholder",
            examples=[f"{{{name}}}{nearest(name, known)}" for name in unknown],
        )
