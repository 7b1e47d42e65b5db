"""What a contact adds to the chance of an acquisition, learnt where a lot decided on who was contacted."""

from vipreco.uplift.learners import LEARNERS, Growing, Learner, SLearner, TLearner, XLearner, response
from vipreco.uplift.rows import RandomisedRows
from vipreco.uplift.settings import UpliftSettings

__all__ = [
    "LEARNERS",
    "Growing",
    "Learner",
    "RandomisedRows",
    "SLearner",
    "TLearner",
    "UpliftSettings",
    "XLearner",
    "response",
]
