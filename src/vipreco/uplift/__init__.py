"""What a contact adds to the chance of an acquisition, learnt where a lot decided on who was contacted."""

from vipreco.uplift.learners import LEARNERS, Growing, Learner, SLearner, TLearner, XLearner, response
from vipreco.uplift.model import PairColumns, UpliftModel, incremental
from vipreco.uplift.rows import RandomisedRows
from vipreco.uplift.settings import UpliftSettings

__all__ = [
    "LEARNERS",
    "Growing",
    "Learner",
    "PairColumns",
    "RandomisedRows",
    "SLearner",
    "TLearner",
    "UpliftModel",
    "UpliftSettings",
    "XLearner",
    "incremental",
    "response",
]
