"""The champion beside a challenger: scored on the same unseen customers, and compared one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from vipreco.backtest.judged_lists import JudgedLists
from vipreco.backtest.report import evaluate
from vipreco.backtest.scored_customers import CHAMPION, BacktestPlan, ScoredCustomers, judgement
from vipreco.backtest.trials import Trial
from vipreco.propensity import Machine
from vipreco.recommender import Recommender, RecommenderSettings
from vipreco.stats import (
    Estimate,
    Flags,
    Floats,
    calibration_summary,
    clustered_mean,
    ranking_metrics,
    recalibration,
    relevant_ranks,
)

ARTIFACT, REFITTED, SAME = (
    "as it is in force",
    "fitted anew by its settings",
    "the same settings and features",
)
SMALLEST = 1e-9
RATED = ("ratio", "slope")


@dataclass(frozen=True)
class Champion:
    """The recommender in force, as a rival in a backtest.

    Args:
        recommender: As it was registered.
        settings: Its settings, reduced as those of the backtest are.
        learnt_until: End of the newest label window that it learnt from.
    """

    recommender: Recommender
    settings: RecommenderSettings
    learnt_until: date

    def for_trial(self, trial: Trial, challenger: Recommender, machine: Machine) -> tuple[Recommender, str]:
        """Return the rival of a trial, which has not seen what is judged, and what it is.

        That is the champion itself where all that it learnt had happened by the judged date. Where it had
        not, the champion would be asked about its own lesson: its settings and features are fitted anew on
        what the trial learns from.
        """
        if trial.ranked.customers is None and min(trial.ranked.as_of) >= self.learnt_until:
            return self.recommender, ARTIFACT
        own = self.recommender.features
        same = own.fingerprint == challenger.features.fingerprint
        if same and _fitting(self.settings) == _fitting(challenger.settings):
            return challenger, SAME
        return Recommender.fit(trial.training_data, own, self.settings, machine), REFITTED


@dataclass(frozen=True)
class ChampionComparison:
    """A challenger against the champion, paired by customer; all differences are ours minus theirs.

    Args:
        map: Difference in MAP over customers who acquired something.
        log_loss: Share of the champion's log loss that we save; NaN where propensities are no rates.
        by_tier: Difference in MAP of each tier.
        bases: What the champion of each trial was.
        champion: Its figures on the same customers, by the names of the summary.
        calibration: Sum and slope of both, ours first, over the products that the champion knows.
    """

    map: Estimate
    log_loss: Estimate
    by_tier: Mapping[str, Estimate]
    bases: Mapping[str, str]
    champion: Mapping[str, float]
    calibration: Mapping[str, tuple[float, float]]

    def summary(self) -> dict[str, float]:
        """Return the figures that gates look at.

        `calibration_ratio/beside-champion` is ours over the months and products that count here, and
        `calibration_ratio/champion` the champion's.
        """
        told = {"map-above-champion": self.map, "log-loss-above-champion": self.log_loss}
        compared = {
            f"{name}{end}": value
            for name, found in told.items()
            if not np.isnan(found.value)
            for end, value in (("", found.value), ("/low", found.low), ("/high", found.high))
        }
        for name, both in self.calibration.items():
            compared |= dict(zip((f"{name}/beside-champion", f"{name}/champion"), both, strict=True))
        return compared


def compare_with_champion(
    judged: ScoredCustomers, ours: str, bases: Mapping[str, str], plan: BacktestPlan
) -> ChampionComparison:
    """Compare the lists and probabilities of both models, customer by customer.

    The intervals are one-sided: their lower end is above the truth with the chance `plan.error_rate`.

    Args:
        judged: Customers with the scores of both.
        ours: Name of the challenger among the scores.
        bases: What the champion of each trial was.
        plan: List length, resamples, seed and error rate.
    """
    difference = _map(judged, ours, plan) - _map(judged, CHAMPION, plan)
    tiers = sorted({str(tier) for tier in judged.tiers if tier})
    everybody = np.ones(len(difference), bool)
    return ChampionComparison(
        _mean(difference, judged, everybody, plan),
        _saved_log_loss(judged, ours, plan),
        {tier: _mean(difference, judged, np.asarray(judged.tiers == tier), plan) for tier in tiers},
        bases,
        _figures(judged, plan),
        _calibrations(judged, ours),
    )


def _fitting(settings: RecommenderSettings) -> dict[str, object]:
    """Return the settings that a propensity depends on."""
    return settings.model_dump(exclude={"arbitration", "policy", "chunk_customers"})


def _map(judged: ScoredCustomers, model: str, plan: BacktestPlan) -> Floats:
    ranks = relevant_ranks(judged.scores[model], judged.truth, judged.listable)
    return ranking_metrics(ranks, plan.list_length)["map"]


def _mean(values: Floats, judged: ScoredCustomers, rows: Flags, plan: BacktestPlan) -> Estimate:
    level = 1 - 2 * plan.error_rate
    return clustered_mean(values[rows], judged.customer_ids[rows], plan.machine.seed, plan.resamples, level)


def _calibrations(judged: ScoredCustomers, ours: str) -> dict[str, tuple[float, float]]:
    pairs = judged.listable & judged.scores[CHAMPION].any(axis=0)
    truth, found = judged.truth[pairs], []
    for model in (ours, CHAMPION):
        scores = np.asarray(judged.scores[model], np.float64)[pairs]
        ratio = float(scores.sum()) / truth.sum() if truth.any() else np.nan
        found.append((ratio, recalibration(scores, truth).slope))
    return {f"calibration_{name}": both for name, *both in zip(RATED, *found, strict=True)}


def _saved_log_loss(judged: ScoredCustomers, ours: str, plan: BacktestPlan) -> Estimate:
    pairs = judged.listable & judged.scores[CHAMPION].any(axis=0)  # products that the champion knows
    own, theirs = (_log_loss(judged.scores[model], judged.truth, pairs) for model in (ours, CHAMPION))
    whole = float(theirs.mean()) if len(theirs) else 0.0
    if not whole:
        return Estimate(np.nan, lacks="customers")
    found = _mean(theirs - own, judged, np.ones(len(own), bool), plan)
    return found.times(1 / whole)


def _log_loss(propensities: Floats, truth: Flags, pairs: Flags) -> Floats:
    """Return the log loss of each customer over the products that count, shape (n,)."""
    chances = np.clip(np.asarray(propensities, np.float64), SMALLEST, 1 - SMALLEST)
    loss = -np.where(truth, np.log(chances), np.log1p(-chances))
    return np.asarray(np.where(pairs, loss, 0.0).sum(axis=1))


def _figures(judged: ScoredCustomers, plan: BacktestPlan) -> dict[str, float]:
    scores, pairs = judged.scores[CHAMPION], judged.listable
    lists = JudgedLists.of(np.asarray(scores), judged.truth, pairs, plan.list_length)
    found = evaluate({CHAMPION: lists}, judgement(judged, plan, resamples=1))
    rows = found[found["slice"] == "all"]
    rated = calibration_summary(np.asarray(scores[pairs]), judged.truth[pairs])
    return {
        **dict(zip(rows["metric"], rows["value"].tolist(), strict=True)),
        **{f"calibration_{name}": rated[name] for name in RATED},
        "auc": rated["auc"],
    }
