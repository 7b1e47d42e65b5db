"""Which product may be offered to whom: a verdict for each pair, with the rule that stopped it.

Rules are reviewed data: TOML files with SQL conditions over named columns, evaluated by one engine for a
million customers and for one. Unknown never passes.
"""

from vipreco.policy.columns import CHANNELS
from vipreco.policy.facts import PolicyFacts, facts_of_records
from vipreco.policy.gathering import gather_facts, holding_pairs, product_facts
from vipreco.policy.packfile import Stage
from vipreco.policy.policy import ALLOWED, Policy, Rule
from vipreco.policy.texts import LANGUAGES, Language
from vipreco.policy_settings import PolicySettings

__all__ = [
    "ALLOWED",
    "CHANNELS",
    "LANGUAGES",
    "Language",
    "Policy",
    "PolicyFacts",
    "PolicySettings",
    "Rule",
    "Stage",
    "facts_of_records",
    "gather_facts",
    "holding_pairs",
    "product_facts",
]
