"""A policy: rules from reviewed files, compiled once, and the verdict of each pair."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Set as AbstractSet
from copy import copy
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache, reduce
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from vipreco.durable import canonical_json
from vipreco.policy.checks import check_policy
from vipreco.policy.columns import PolicyColumn
from vipreco.policy.compiled_rules import PASSES, Compiled, compile_rules, known_columns, read_packs
from vipreco.policy.conditions import Atom
from vipreco.policy.definition import SETTINGS_FILE, read_definition
from vipreco.policy.evaluation import Truth, truths
from vipreco.policy.facts import PolicyFacts
from vipreco.policy.packfile import RuleEntry, RuleWords, Stage
from vipreco.policy.texts import Language, sentence
from vipreco.settings import PolicySettings

__all__ = ["ALLOWED", "PASSES", "Policy", "Rule", "applies"]

ALLOWED = 0
_CONCERNED = np.array([PASSES, 0, 0], np.int16)
"""By truth of `concerns`: false lets pass, true and unknown do not."""


@dataclass(frozen=True)
class Rule:
    """One reason not to offer a product: what a verdict points to.

    Args:
        id: Name of the rule in its file.
        stage: When it is asked.
        reason_code: What a stopped product carries.
        text: What the relationship manager reads.
        unlock: What would make the product possible; empty if nothing would.
        legal_reference: Law, article; empty for a rule of the house.
        law: It is law or duty.
        unknown: It is the reason of rows of which a fact is unknown.
        owner: Who answers for it.
        title: Few words for what it is about.
    """

    id: str
    stage: Stage
    reason_code: str
    text: RuleWords
    unlock: RuleWords
    legal_reference: str
    law: bool
    unknown: bool
    owner: str
    title: RuleWords

    def named(self, language: Language) -> str:
        """Return in few words what the rule is about; its code in words where its file has no title."""
        return self.title.in_(language) or self.reason_code.replace("_", " ").lower()


class Policy:
    """The rules in force, in the order in which they are asked.

    Attributes:
        definition: The files that it was read from, by name.
        rules: What a verdict r > 0 points to, at place r - 1.
        known: Columns that its rules may speak of.
        absent_for_strangers: Flags that count as not set for somebody of whom the bank has no record.
        currency: Code of the currency of the amounts in texts; empty leaves them bare.
    """

    currency = ""

    def __init__(self, definition: Mapping[str, bytes]) -> None:
        self.definition = dict(definition)
        self.settings = PolicySettings.model_validate_json(definition[SETTINGS_FILE])
        packs = read_packs(self.definition, self.settings)
        self.known: dict[str, PolicyColumn] = known_columns(packs)
        self.compiled: tuple[Compiled, ...] = compile_rules(packs, self.settings, self.known)
        check_policy(packs, self.settings, self.compiled, self.known)
        self.absent_for_strangers = frozenset(
            name for pack in packs.values() for name in pack.absent_for_strangers
        )
        self.rules: tuple[Rule, ...] = tuple(rule for one in self.compiled for rule in _rules_of(one.entry))

    @classmethod
    def read(cls, settings: PolicySettings, root: Path | None = None) -> Self:
        """Read the packs that come with vipreco and the bank's own files below `root`.

        Raises:
            UsageError: A file is missing or wrong: unknown column, contradiction, something twice.
        """
        return cls(read_definition(settings, root))

    @staticmethod
    def from_definition(definition: Mapping[str, bytes], currency: str = "") -> Policy:
        """Read the files that an artifact kept; those that were read last are not read and checked anew."""
        return _of_files(tuple(definition.items()), currency)

    @cached_property
    def version(self) -> str:
        """First 16 hexadecimal digits of the hash of all files and settings."""
        content = {name: hashlib.sha256(text).hexdigest() for name, text in self.definition.items()}
        return hashlib.sha256(canonical_json(content)).hexdigest()[:16]

    @cached_property
    def columns(self) -> frozenset[str]:
        """Names of all columns that its rules and their texts speak of."""
        return frozenset().union(*(one.columns for one in self.compiled))

    def main_cause(self, verdicts: NDArray[np.integer]) -> str | None:
        """Return the reason code that stops most products of a customer; None where no product is stopped."""
        codes = Counter(map(self._codes.__getitem__, verdicts.tolist()))
        codes.pop(None, None)
        return max(codes, key=codes.__getitem__) if codes else None

    @cached_property
    def _codes(self) -> tuple[str | None, ...]:
        """Reason code of each verdict; the channel asks for a cause while its customer waits."""
        return None, *(rule.reason_code for rule in self.rules)

    def judge(self, facts: PolicyFacts) -> NDArray[np.int16]:
        """Return a verdict for each pair, shape (n, P): 0 is allowed, r is stopped by `rules[r - 1]`."""
        first = np.full((1, 1), PASSES, np.int16)
        by_shape = {first.shape: first}
        for _, codes in self.each(facts):
            known = by_shape.get(codes.shape)
            by_shape[codes.shape] = codes if known is None else np.minimum(known, codes, out=known)
        verdicts = np.empty(facts.shape, np.int16)
        verdicts[:] = PASSES
        for codes in by_shape.values():
            np.minimum(verdicts, codes, out=verdicts)
        verdicts[verdicts == PASSES] = ALLOWED
        return verdicts

    def each(self, facts: PolicyFacts) -> Iterator[tuple[Compiled, NDArray[np.int16]]]:
        """Give for each rule in force what it alone says.

        Returns:
            The rule and its codes, of a shape that broadcasts to (n, P): `PASSES`, or the verdict.
        """
        active = self.active(facts)
        found = truths(_atoms(active), facts, self.known)
        for one in active:
            yield one, _codes(one, found)

    def stops(self, facts: PolicyFacts, row: int) -> list[list[int]]:
        """Return for each product all verdicts that stop it for one customer, in the order of the rules.

        Args:
            facts: The facts of all rows.
            row: Place of the customer.
        """
        own = facts.rows(slice(row, row + 1))
        found: list[list[int]] = [[] for _ in range(own.shape[1])]
        for _, codes in self.each(own):
            for column, code in enumerate(np.broadcast_to(codes, own.shape)[0].tolist()):
                if code != PASSES:
                    found[column].append(code)
        return found

    def stopped_otherwise(self, facts: PolicyFacts, reason_code: str) -> NDArray[np.bool_]:
        """Return the pairs that some rule stops for another reason than this one, shape (n, P)."""
        own = [verdict for verdict, rule in enumerate(self.rules, start=1) if rule.reason_code == reason_code]
        found = np.zeros(facts.shape, bool)
        for _, codes in self.each(facts):
            found |= (codes != PASSES) & ~np.isin(codes, own)
        return found

    def concerned(self, facts: PolicyFacts, columns: AbstractSet[str]) -> NDArray[np.bool_]:
        """Return the pairs about which some rule in force asks for one of these columns, shape (n, P)."""
        asking = [one for one in self.active(facts) if one.required_columns & columns]
        truth = truths(_atoms(asking), facts, self.known)
        found = np.zeros(facts.shape, bool)
        for one in asking:
            concerned = np.ones(facts.shape, bool)
            for atom in one.concerns:
                concerned &= _CONCERNED[truth[atom.key]] != PASSES
            found |= concerned
        return found

    def compiled_of(self, verdict: int) -> Compiled:
        """Return the rule behind a verdict above 0."""
        return next(one for one in self.compiled if one.number <= verdict <= one.unknown_number)

    def active(self, facts: PolicyFacts) -> list[Compiled]:
        """Return the rules that apply at the date, without those of which the bank brings no column."""
        return [
            one
            for one in self.compiled
            if applies(one.entry, facts.as_of)
            and not (one.entry.if_absent == "inactive" and one.condition_columns - facts.present)
        ]

    def without(self, rule_id: str) -> Self:
        """Return the policy with one rule switched off: what an audit must notice."""
        other = copy(self)
        other.compiled = tuple(one for one in self.compiled if one.entry.id != rule_id)
        return other

    def in_currency(self, currency: str) -> Self:
        """Return the policy with a currency for the amounts in its texts."""
        other = copy(self)
        other.currency = currency
        return other

    def texts(
        self, verdict: int, facts: PolicyFacts, place: tuple[int, int], language: Language = "en"
    ) -> tuple[str, str]:
        """Return why a verdict stops, and what would unlock it, with the facts of the row filled in.

        Args:
            verdict: A verdict above 0.
            facts: What the rules looked at.
            place: Row of the customer and column of the product.
            language: Of the texts.
        """
        rule = self.rules[verdict - 1]
        values = self.compiled_of(verdict).parameters
        why, unlock = rule.text.in_(language), rule.unlock.in_(language)
        return (
            sentence(why, facts, place, values, language, self.currency),
            sentence(unlock, facts, place, values, language, self.currency),
        )

    def describe(self) -> dict[str, object]:
        """Return what identifies the policy, as JSON values."""
        return {"policy_version": self.version, "policy_settings": json.loads(self.definition[SETTINGS_FILE])}


@lru_cache(maxsize=2)
def _of_files(files: tuple[tuple[str, bytes], ...], currency: str) -> Policy:
    return Policy(dict(files)).in_currency(currency)


def applies(entry: RuleEntry, day: date) -> bool:
    """Return whether a rule is in force on a date; first and last day included."""
    return (entry.valid_from or date.min) <= day <= (entry.valid_until or date.max)


def _rules_of(entry: RuleEntry) -> Iterator[Rule]:
    common = (entry.legal_reference, entry.law)
    end = (entry.owner, entry.title)
    yield Rule(entry.id, entry.stage, entry.reason_code, entry.text, entry.unlock, *common, False, *end)
    if entry.unknown_reason_code is not None:
        text, unlock = entry.unknown_text or entry.text, entry.unknown_unlock or entry.unlock
        code = entry.unknown_reason_code
        yield Rule(entry.id, entry.stage, code, text, unlock, *common, True, *end)


def _atoms(rules: list[Compiled]) -> Iterator[Atom]:
    for one in rules:
        yield from one.concerns
        yield from one.requires


def _codes(one: Compiled, found: Mapping[str, Truth]) -> NDArray[np.int16]:
    """Return the codes of one rule: the smallest number of its parts, unless a part lets the row pass."""
    codes = reduce(np.minimum, (one.verdicts[found[atom.key]] for atom in one.requires))
    for atom in one.concerns:
        codes = np.maximum(codes, _CONCERNED[found[atom.key]])
    return codes
