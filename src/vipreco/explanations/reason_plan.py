"""Reasons that the columns of a fit can give: the catalog, applied to the boosters' columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vipreco.explanations.facts import Key, key_of
from vipreco.explanations.reason_catalog import ReasonCatalog, ReasonEntry, origins
from vipreco.features import Columns, Dictionary, Prohibited


@dataclass(frozen=True)
class Statement:
    """One reason that could be stated.

    Args:
        entry: The reason of the catalogue.
        subject: Product or column of the bank's own that it is about; empty for neither.
        evidence: Place of its evidence in the plan: what is taken away to test it.
    """

    entry: ReasonEntry
    subject: str
    evidence: int


@dataclass(frozen=True)
class ReasonPlan:
    """All reasons that a fit can give, T of them, and their evidence.

    Args:
        catalogue: The reasons.
        names: Columns of the boosters, shape (k,).
        statements: The reasons, shape (T,).
        evidence: Theme and subject of each evidence: all columns of a theme about the same, shape (g,).
        membership: Which columns belong to which evidence, shape (k, g).
    """

    catalogue: ReasonCatalog
    names: tuple[str, ...]
    statements: tuple[Statement, ...]
    evidence: tuple[tuple[str, str], ...]
    membership: NDArray[np.bool_]

    @cached_property
    def themes(self) -> tuple[tuple[str, ...], NDArray[np.intp]]:
        """Themes of the reasons, each once, and the place of each reason's theme, shape (T,)."""
        themes, places = np.unique([item.entry.theme for item in self.statements], return_inverse=True)
        return tuple(themes.tolist()), places.ravel()

    @cached_property
    def about(self) -> NDArray[np.str_]:
        """Subjects that the facts of each reason must have: any, the offer, its family; shape (T,)."""
        return np.array([item.entry.about for item in self.statements], np.str_)

    @cached_property
    def subjects(self) -> NDArray[np.str_]:
        """Product or column that each reason is about, shape (T,)."""
        return np.array([item.subject for item in self.statements], np.str_)

    @cached_property
    def keys(self) -> list[Key]:
        """The facts that may be cited."""
        return self.keys_of(range(len(self.statements)))

    def keys_of(self, indices: Iterable[int]) -> list[Key]:
        """Return the facts that some of the reasons may cite."""
        facts, cited = self.catalogue.fact, (self.statements[place] for place in indices)
        return sorted(
            {key_of(facts[kind], kind, item.subject) for item in cited for kind in item.entry.facts}
        )


def plan_reasons(
    catalogue: ReasonCatalog,
    names: Sequence[str],
    dictionary: Dictionary,
    columns: Columns,
    prohibited: Prohibited,
) -> ReasonPlan:
    """Return what the columns of a fit can give reasons for.

    Args:
        catalogue: The reasons.
        names: Columns of the boosters, `<feature>` or `<feature>@<product>`.
        dictionary: Their features.
        columns: Gives the columns of a view with their types: the bank's own among them.
        prohibited: What may not be told, nor be a feature.
    """
    present = {file.each.table: columns(file.each.table) for file in dictionary.file if file.each}
    return _NEWEST.of(catalogue, tuple(names), dictionary, present, prohibited)


def _planned(
    catalogue: ReasonCatalog,
    names: tuple[str, ...],
    dictionary: Dictionary,
    present: Mapping[str, Mapping[str, str]],
    prohibited: Prohibited,
) -> ReasonPlan:
    known = origins(dictionary, present.__getitem__)
    spoken: set[tuple[str, str]] = set()
    evidence: dict[tuple[str, str], list[int]] = {}
    told: dict[str, list[ReasonEntry]] = {}
    for place, name in enumerate(names):
        feature, _, product = name.partition("@")
        if feature not in told:
            told[feature] = _entries(catalogue, feature, known, prohibited)
        subject = product or known.get(feature, ("", ""))[1]
        for entry in told[feature]:
            spoken.add((entry.id, subject))
        for theme in dict.fromkeys(entry.theme for entry in told[feature]):
            evidence.setdefault((theme, subject), []).append(place)
    return _assembled(catalogue, names, spoken, evidence)


def _entries(
    catalogue: ReasonCatalog, feature: str, known: Mapping[str, tuple[str, str]], prohibited: Prohibited
) -> list[ReasonEntry]:
    """Return the reasons that a feature may give; none that may not be told, nor be a feature."""
    origin, column = known.get(feature, ("", ""))
    if prohibited.reason(feature) or (column and prohibited.reason(column)):
        return []
    return catalogue.reasons_for(origin, column)


class _Newest:
    """The plan that was made last: one model tells reasons again and again, a customer at a time."""

    def __init__(self) -> None:
        self._kept: tuple[tuple[Any, ...], ReasonPlan] | None = None

    def of(self, *asked: Any) -> ReasonPlan:
        """Return the plan of what is asked, made anew where it is not the last one's."""
        kept = self._kept
        if kept is None or not all(map(_same, kept[0], asked)):
            kept = self._kept = asked, _planned(*asked)
        return kept[1]


def _same(first: object, second: object) -> bool:
    return first is second or first == second


_NEWEST = _Newest()


def _assembled(
    catalogue: ReasonCatalog,
    names: tuple[str, ...],
    spoken: set[tuple[str, str]],
    evidence: dict[tuple[str, str], list[int]],
) -> ReasonPlan:
    groups = sorted(evidence)
    membership = np.zeros((len(names), len(groups)), bool)
    for number, group in enumerate(groups):
        membership[evidence[group], number] = True
    statements = [
        Statement(entry, subject, groups.index((entry.theme, subject)))
        for reason_id, subject in sorted(spoken)
        for entry in [catalogue.entry(reason_id)]
    ]
    return ReasonPlan(catalogue, names, tuple(statements), tuple(groups), membership)
