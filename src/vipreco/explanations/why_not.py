"""Why a product is not offered, and what would unlock it."""

from __future__ import annotations

from dataclasses import dataclass

from vipreco.policy import ALLOWED, RULES


@dataclass(frozen=True)
class WhyNot:
    """The rule that stopped a product.

    Args:
        product_id: The product.
        reason_code: Stable name of the rule.
        text: What the relationship manager reads.
        unlock: What would make it possible; empty if nothing would.
    """

    product_id: str
    reason_code: str
    text: str
    unlock: str


def why_not(product_id: str, verdict: int) -> WhyNot | None:
    """Return the rule behind a verdict, or None for an allowed product."""
    if verdict == ALLOWED:
        return None
    rule = RULES[verdict - 1]
    return WhyNot(product_id, rule.reason_code, rule.text, rule.unlock)
