"""Why an offer, why not another product, and what would unlock it."""

from vipreco.explanations.evidence import Evidence, offer_evidence
from vipreco.explanations.families import FamilyContribution, families_of, strongest_families
from vipreco.explanations.why_not import WhyNot, why_not

__all__ = [
    "Evidence",
    "FamilyContribution",
    "WhyNot",
    "families_of",
    "offer_evidence",
    "strongest_families",
    "why_not",
]
