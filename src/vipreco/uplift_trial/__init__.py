"""Whether a learner of uplift is to be trusted: judged on held-out randomised rows, beside propensity."""

from vipreco.uplift_trial.checks import Overlap, before_treatment, overlap, placebo
from vipreco.uplift_trial.choosing import (
    Choice,
    choose,
    fit_chosen,
    fit_learner,
    fit_response,
    folds_of,
    unseen_scores,
)
from vipreco.uplift_trial.judging import HeldOut, Judged, judge_orders

__all__ = [
    "Choice",
    "HeldOut",
    "Judged",
    "Overlap",
    "before_treatment",
    "choose",
    "fit_chosen",
    "fit_learner",
    "fit_response",
    "folds_of",
    "judge_orders",
    "overlap",
    "placebo",
    "unseen_scores",
]
