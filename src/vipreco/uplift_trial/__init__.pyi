from .campaigns import finished_campaigns as finished_campaigns
from .checks import before_treatment as before_treatment, overlap as overlap, placebo as placebo
from .selection import (
    fit_learner as fit_learner,
    fit_response as fit_response,
    folds_of as folds_of,
    unseen_scores as unseen_scores,
)
from .settings import TrialSettings as TrialSettings
from .trial import UpliftTrial as UpliftTrial, gather as gather, run_trial as run_trial
