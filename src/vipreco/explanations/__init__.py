"""Why an offer, why not another product, and what would unlock it."""

from vipreco.explanations.evidence import ENGLISH, Evidence, Phrases, offer_evidence
from vipreco.explanations.families import FamilyContribution, families_of, strongest_families
from vipreco.explanations.why_not import WhyNot, why_not

__all__ = [
    "ENGLISH",
    "Evidence",
    "FamilyContribution",
    "Phrases",
    "WhyNot",
    "families_of",
    "offer_evidence",
    "strongest_families",
    "why_not",
]
