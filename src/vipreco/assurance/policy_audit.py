"""The audit: what the rules do, held against the law in plain Python, and against another path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vipreco.assurance.law import DUTIES, FACTS, Case, Families
from vipreco.policy import ALLOWED, PASSES, Policy, PolicyFacts, applies

Mask = NDArray[np.bool_]
USUAL = Families()
UNLAWFUL = "unlawful offer"
NOT_KEPT = "duty not kept by its rule"
NEEDLESS = "stopped although no duty is breached"
PATHS = "one customer alone is judged otherwise"
NO_STATEMENT = "law without a statement in plain Python"


@dataclass(frozen=True)
class AuditFinding:
    """Pairs about which rules and law, or two paths, do not agree.

    Args:
        what: What is wrong.
        rule_id: The rule, where one is meant.
        pairs: How many pairs.
    """

    what: str
    rule_id: str
    pairs: int


@dataclass(frozen=True)
class AuditReport:
    """Result of a policy audit.

    Args:
        pairs: Pairs of customers and products that were judged.
        offers: How many of these may be offered.
        breaches: How often a duty would have been breached, by rule; 0 = never put to the test.
        findings: What is wrong; empty = passed.
    """

    pairs: int
    offers: int
    breaches: Mapping[str, int]
    findings: tuple[AuditFinding, ...]

    @property
    def passed(self) -> bool:
        """True if no rule was breached."""
        return not self.findings


def law_rules(policy: Policy) -> list[str]:
    """Return the ids of the rules that are law, in the order in which they are asked."""
    return [one.entry.id for one in policy.compiled if one.entry.law]


def audit(
    policy: Policy, draws: Iterable[PolicyFacts], duties: Iterable[str] | None = None, alone: bool = True
) -> AuditReport:
    """Judge all draws and compare them with the law and, customer by customer, with themselves.

    Args:
        policy: The rules in force.
        draws: Facts, each set in one channel.
        duties: Ids of the laws that must be kept; by default those of the policy.
        alone: Judge each customer alone as well.
    """
    asked = list(law_rules(policy) if duties is None else duties)
    total, offers, breaches = 0, 0, dict.fromkeys((name for name in asked if name in DUTIES), 0)
    found: dict[tuple[str, str], int] = {(NO_STATEMENT, name): 1 for name in asked if name not in DUTIES}
    for facts in draws:
        verdicts = policy.judge(facts)
        breached = breached_duties(facts, _in_force(policy, facts, breaches), families_of(policy))
        total, offers = total + verdicts.size, offers + int((verdicts == ALLOWED).sum())
        for name, mask in breached.items():
            breaches[name] += int(mask.sum())
        for what, name, mask in _disagreements(policy, facts, verdicts, breached):
            found[what, name] = found.get((what, name), 0) + int(mask.sum())
        if alone:
            found[PATHS, ""] = found.get((PATHS, ""), 0) + _differing(policy, facts, verdicts)
    findings = tuple(AuditFinding(*key, pairs) for key, pairs in sorted(found.items()) if pairs)
    return AuditReport(total, offers, breaches, findings)


def mutants(policy: Policy, draws: list[PolicyFacts]) -> dict[str, AuditReport]:
    """Switch off each law in turn and audit the laws that are left: each report must fail.

    The rules of the house are left out, so that none of them hides that a law is missing.
    """
    laws = law_rules(policy)
    alone = policy
    for one in policy.compiled:
        alone = alone if one.entry.law else alone.without(one.entry.id)
    return {name: audit(alone.without(name), draws, laws, alone=False) for name in laws}


def families_of(policy: Policy) -> Families:
    """Return the families as the rules that are law name them: a bank has words of its own."""
    declared = {
        name: frozenset(value)
        for one in policy.compiled
        if one.entry.law
        for name, value in one.parameters.items()
        if isinstance(value, tuple)
    }
    usual = Families()
    return Families(
        declared.get("other_families", usual.other),
        declared.get("insurance_families", usual.insurance),
        declared.get("credit_families", usual.credit),
    )


def breached_duties(facts: PolicyFacts, names: Iterable[str], families: Families = USUAL) -> dict[str, Mask]:
    """Return for each duty which pairs would breach it, shape (n, P), told by plain Python alone."""
    found = {name: np.zeros(facts.shape, bool) for name in names}
    for place, case in cases(facts, families):
        for name, mask in found.items():
            mask[place] = DUTIES[name](case)
    return found


def cases(facts: PolicyFacts, families: Families = USUAL) -> Iterator[tuple[tuple[int, int], Case]]:
    """Give each pair as a plain record, with its place."""
    of_customers = _records(facts, "customer", facts.shape[0])
    of_products = _records(facts, "product", facts.shape[1])
    for row, customer in enumerate(of_customers):
        for column, product in enumerate(of_products):
            yield (row, column), Case(facts.channel, families=families, **customer, **product)  # type: ignore[arg-type]


def _records(facts: PolicyFacts, of: str, count: int) -> list[dict[str, object]]:
    table = facts.customers if of == "customer" else facts.products
    names = {field: name for field, name in FACTS.items() if name.startswith(of) and name in table.columns}
    columns = {field: table[name].to_list() for field, name in names.items()}
    return [{field: values[place] for field, values in columns.items()} for place in range(count)]


def _in_force(policy: Policy, facts: PolicyFacts, names: Iterable[str]) -> list[str]:
    """Return the duties whose rules apply at the date; a rule that was switched off still binds."""
    lapsed = {one.entry.id for one in policy.compiled if not applies(one.entry, facts.as_of)}
    return [name for name in names if name not in lapsed]


def _disagreements(
    policy: Policy, facts: PolicyFacts, verdicts: NDArray[np.int16], breached: Mapping[str, Mask]
) -> Iterator[tuple[str, str, Mask]]:
    stops = {
        one.entry.id: np.broadcast_to(codes != PASSES, facts.shape)
        for one, codes in policy.each(facts)
        if one.entry.law
    }
    nothing = np.zeros(facts.shape, bool)
    for name, mask in breached.items():
        yield UNLAWFUL, name, mask & (verdicts == ALLOWED)
        yield NOT_KEPT, name, mask & ~stops.get(name, nothing)
        yield NEEDLESS, name, ~mask & stops.get(name, nothing)


def _differing(policy: Policy, facts: PolicyFacts, verdicts: NDArray[np.int16]) -> int:
    single = [policy.judge(facts.rows(slice(row, row + 1))) for row in range(facts.shape[0])]
    return int((np.concatenate(single) != verdicts).sum()) if single else 0
