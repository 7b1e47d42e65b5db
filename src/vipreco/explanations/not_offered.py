"""The rule that stops a product, and all steps that would unlock it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vipreco.policy import Language, Policy, PolicyFacts

THEN = {"en": "; then ", "zh": "；然后"}
OPENS = {"en": " (opens {})", "zh": "（可购{}）"}
COMMA = {"en": ", ", "zh": "、"}
MAX_NAMED = 3


@dataclass(frozen=True)
class UnlockStep:
    """One step on the way to a product.

    Args:
        rule_id: The rule that it satisfies.
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
        steps: The steps one by one; the first is the rule's own.
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
    stops = policy.stops(facts, row)
    return [
        _why_not(policy, facts, (row, column), stops, (product_names, language))
        for column, verdicts in enumerate(stops)
        if verdicts
    ]


def _why_not(
    policy: Policy,
    facts: PolicyFacts,
    place: tuple[int, int],
    stops: Sequence[Sequence[int]],
    words: tuple[Mapping[str, str], Language],
) -> WhyNot:
    names, language = words
    verdicts = stops[place[1]]
    products = [str(facts.value("product_id", place[0], column)) for column in range(len(stops))]
    granted: set[str] = set()
    steps = []
    for verdict in verdicts:
        granted.add(policy.rules[verdict - 1].id)
        opens = tuple(
            product
            for product, others in zip(products, stops, strict=True)
            if others and {policy.rules[other - 1].id for other in others} <= granted
        )
        text = policy.texts(verdict, facts, place, language)[1]
        steps.append(UnlockStep(policy.rules[verdict - 1].id, text, opens))
    rule, text = policy.rules[verdicts[0] - 1], policy.texts(verdicts[0], facts, place, language)[0]
    product = products[place[1]]
    unlock = _way(product, steps, names, language)
    return WhyNot(product, rule.reason_code, text, unlock, rule.id, rule.legal_reference, tuple(steps))


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
