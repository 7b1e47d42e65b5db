"""Which product may be offered to whom: a verdict for each pair, with the rule that stopped it."""

from vipreco.policy.facts import Facts
from vipreco.policy.rules import ALLOWED, RULES, Rule, Stage, judge

__all__ = ["ALLOWED", "RULES", "Facts", "Rule", "Stage", "judge"]
