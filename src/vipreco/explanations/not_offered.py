"""The rule that stops a product, and the step that would unlock it."""

from __future__ import annotations

from dataclasses import dataclass

from vipreco.policy import ALLOWED, Language, Policy, PolicyFacts


@dataclass(frozen=True)
class WhyNot:
    """The rule that stopped a product.

    Args:
        product_id: The product.
        reason_code: Stable name of the reason.
        text: What the relationship manager reads, with the facts of the customer and the product.
        unlock: What would make it possible; empty if nothing would.
        rule_id: The rule.
        legal_reference: Law, article; empty for a rule of the house.
    """

    product_id: str
    reason_code: str
    text: str
    unlock: str
    rule_id: str = ""
    legal_reference: str = ""


def why_not(
    policy: Policy,
    facts: PolicyFacts,
    place: tuple[int, int],
    verdict: int,
    language: Language = "en",
) -> WhyNot | None:
    """Return the rule behind a verdict, or None for an allowed product.

    Args:
        policy: The rules in force.
        facts: What they looked at.
        place: Row of the customer and column of the product.
        verdict: What the policy said of them.
        language: Of the texts.
    """
    if verdict == ALLOWED:
        return None
    rule, texts = policy.rules[verdict - 1], policy.texts(verdict, facts, place, language)
    product_id = str(facts.value("product_id", *place))
    return WhyNot(product_id, rule.reason_code, *texts, rule.id, rule.legal_reference)
