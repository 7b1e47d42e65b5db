"""Whether a learner of uplift is to be trusted: judged on held-out randomised rows, beside propensity."""

from vipreco.uplift_trial.campaigns import FinishedCampaign, finished_campaigns
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
from vipreco.uplift_trial.settings import TrialSettings
from vipreco.uplift_trial.trial import Material, UpliftTrial, gather, refusals_of, run_trial

__all__ = [
    "Choice",
    "FinishedCampaign",
    "HeldOut",
    "Judged",
    "Material",
    "Overlap",
    "TrialSettings",
    "UpliftTrial",
    "before_treatment",
    "choose",
    "finished_campaigns",
    "fit_chosen",
    "fit_learner",
    "fit_response",
    "folds_of",
    "gather",
    "judge_orders",
    "overlap",
    "placebo",
    "refusals_of",
    "run_trial",
    "unseen_scores",
]
