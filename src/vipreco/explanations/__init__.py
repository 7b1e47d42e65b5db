"""Why an offer, why not another product, and what would unlock it; each reason rests on cited facts."""

from vipreco.explanations.catalogue import Catalogue
from vipreco.explanations.cautions import Minded, caution_keys, cautions
from vipreco.explanations.checking import check_facts, cited_frame
from vipreco.explanations.choosing import Chances, Chosen, Listed, audible, choose, dropped
from vipreco.explanations.contributions import offer_contributions
from vipreco.explanations.evidence import Evidence, offer_evidence
from vipreco.explanations.facts import Fact, FactBook
from vipreco.explanations.plan import Plan, plan_reasons
from vipreco.explanations.raw_facts import RawTables
from vipreco.explanations.sentences import Reason, Speaker
from vipreco.explanations.why_not import WhyNot, why_not

__all__ = [
    "Catalogue",
    "Chances",
    "Chosen",
    "Evidence",
    "Fact",
    "FactBook",
    "Listed",
    "Minded",
    "Plan",
    "RawTables",
    "Reason",
    "Speaker",
    "WhyNot",
    "audible",
    "caution_keys",
    "cautions",
    "check_facts",
    "choose",
    "cited_frame",
    "dropped",
    "offer_contributions",
    "offer_evidence",
    "plan_reasons",
    "why_not",
]
