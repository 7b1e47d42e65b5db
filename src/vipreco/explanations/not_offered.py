"""The rule that stops a product, and all steps that would unlock it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from vipreco.explanations.unlock_steps import carries, unlock_groups
from vipreco.policy import Language, Policy, PolicyFacts

THEN = {"en": "; then ", "zh": "；然后"}
OPENS = {"en": " (opens {})", "zh": "（可购{}）"}
COMMA = {"en": ", ", "zh": "、"}
MAX_NAMED = 3


@dataclass(frozen=True)
class UnlockStep:
    """One step on the way to a product.

    Args:
        rule_id: The rule that says what has to be done; others may be satisfied by it as well.
        text: What has to be done; empty where nothing can be.
        opens: Products that are possible after this step and those before it, in the order of the catalogue.
    """

    rule_id: str
    text: str
    opens: tuple[str, ...] = ()


@dataclass(frozen=True)
class WhyNot:
    """The rule that stopped a product, and the way to it.

    Args:
        product_id: The product.
        reason_code: Stable name of the reason.
        text: What the relationship manager reads, with the facts of the customer and the product.
        unlock: All steps that would make it possible, in order; empty if one of them cannot be taken.
        rule_id: The rule.
        legal_reference: Law, article; empty for a rule of the house.
        steps: The steps one by one.
    """

    product_id: str
    reason_code: str
    text: str
    unlock: str
    rule_id: str = ""
    legal_reference: str = ""
    steps: tuple[UnlockStep, ...] = ()


def all_not_offered(
    policy: Policy,
    facts: PolicyFacts,
    row: int,
    product_names: Mapping[str, str],
    language: Language = "en",
) -> list[WhyNot]:
    """Return every product that the rules keep from a customer, with the way to it and what each step opens.

    Args:
        policy: The rules in force.
        facts: What they looked at.
        row: Place of the customer.
        product_names: Names by product id, for what else a step opens.
        language: Of the texts.
    """
    ways = _Ways(policy, facts, row, policy.stops(facts, row), language)
    return [ways.why_not(column, product_names) for column, verdicts in enumerate(ways.stops) if verdicts]


@dataclass(frozen=True)
class _Ways:
    """The ways of one customer to all products.

    Args:
        policy: The rules in force.
        facts: What they looked at.
        row: Place of the customer.
        stops: Verdicts that stop each product.
        language: Of the texts.
    """

    policy: Policy
    facts: PolicyFacts
    row: int
    stops: Sequence[Sequence[int]]
    language: Language

    @cached_property
    def products(self) -> list[str]:
        """Ids of the products, in the order of the catalogue."""
        return [str(self.facts.value("product_id", self.row, column)) for column in range(len(self.stops))]

    def why_not(self, column: int, names: Mapping[str, str]) -> WhyNot:
        """Return the rule that stops a product, with the steps to it."""
        first, product = self.stops[column][0], self.products[column]
        rule, steps = self.policy.rules[first - 1], tuple(self._steps(column))
        return WhyNot(
            product_id=product,
            reason_code=rule.reason_code,
            text=self._texts(first, column)[0],
            unlock=_way(product, steps, names, self.language),
            rule_id=rule.id,
            legal_reference=rule.legal_reference,
            steps=steps,
        )

    def _steps(self, column: int) -> Iterator[UnlockStep]:
        """Give the steps to a product, each with what is open once it and those before it were taken."""
        taken: set[str] = set()
        for group in unlock_groups(self.policy, self.stops[column]):
            taken |= {self._rule_id(verdict) for verdict in group}
            text = self._texts(group[0], column)[1]
            yield UnlockStep(self._rule_id(group[0]), text, tuple(self._opened(taken, column)))

    def _opened(self, taken: Collection[str], column: int) -> Iterator[str]:
        """Give the products that steps taken for one product open."""
        for other, verdicts in enumerate(self.stops):
            if verdicts and all(
                self._rule_id(one) in taken and carries(self.policy, self.facts, one, (column, other))
                for one in verdicts
            ):
                yield self.products[other]

    def _rule_id(self, verdict: int) -> str:
        return self.policy.rules[verdict - 1].id

    def _texts(self, verdict: int, column: int) -> tuple[str, str]:
        return self.policy.texts(verdict, self.facts, (self.row, column), self.language)


def _way(product: str, steps: Sequence[UnlockStep], names: Mapping[str, str], language: Language) -> str:
    """Return all steps in words; empty where one of them cannot be taken."""
    if not all(step.text for step in steps):
        return ""
    told: list[str] = []
    opened: set[str] = {product}
    for step in steps:
        others = [names[one] for one in step.opens if one not in opened and one in names][:MAX_NAMED]
        opened |= set(step.opens)
        more = OPENS[language].format(COMMA[language].join(others)) if others else ""
        if step.text + more not in told:
            told.append(step.text + more)
    return THEN[language].join(told)
