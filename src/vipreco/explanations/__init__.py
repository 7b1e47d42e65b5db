"""Why an offer, why not another product, and what would unlock it; each reason rests on cited facts."""

from vipreco.explanations.catalogue import Catalogue
from vipreco.explanations.cautions import Minded, caution_keys, cautions
from vipreco.explanations.choosing import Chances, Chosen, Listed, choose, dropped
from vipreco.explanations.contributions import offer_contributions
from vipreco.explanations.evidence import ENGLISH, Evidence, Phrases, offer_evidence
from vipreco.explanations.facts import Fact, FactBook
from vipreco.explanations.families import FamilyContribution, families_of, strongest_families
from vipreco.explanations.plan import Plan, plan_reasons
from vipreco.explanations.sentences import Reason, Speaker
from vipreco.explanations.why_not import WhyNot, why_not

__all__ = [
    "ENGLISH",
    "Catalogue",
    "Chances",
    "Chosen",
    "Evidence",
    "Fact",
    "FactBook",
    "FamilyContribution",
    "Listed",
    "Minded",
    "Phrases",
    "Plan",
    "Reason",
    "Speaker",
    "WhyNot",
    "caution_keys",
    "cautions",
    "choose",
    "dropped",
    "families_of",
    "offer_contributions",
    "offer_evidence",
    "plan_reasons",
    "strongest_families",
    "why_not",
]
