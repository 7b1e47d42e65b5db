"""Fit and backtest: the one step of the flow that knows the recommender."""

from __future__ import annotations

from training.result import TrainingJob, TrainingResult


def fit_and_backtest(job: TrainingJob) -> TrainingResult:
    """Backtest the recipe on held-out folds, fit it on all as-of dates, save it to `job.artifact_folder`."""
    raise NotImplementedError(job.recipe.name)
