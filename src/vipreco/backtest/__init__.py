"""Replay over past dates: metrics with intervals, baselines beside every number, folds, figures.

Figures are in `vipreco.backtest.plots`, imported on their own because matplotlib takes its time.
"""

from __future__ import annotations

from vipreco.backtest.calibration import (
    auc,
    brier,
    calibration_by_product,
    calibration_summary,
    expected_calibration_error,
    log_loss,
    recalibration,
    reliability_table,
)
from vipreco.backtest.folds import RollingFold, customer_folds, rolling_folds
from vipreco.backtest.intervals import Estimate, bootstrap_mean, bootstrap_ratio, paired_difference
from vipreco.backtest.lift import lift_table
from vipreco.backtest.metrics import (
    average_precision,
    coverage,
    hit,
    listed,
    ndcg,
    novel,
    precision,
    ranking_metrics,
    reacquired,
    recall,
    relevant_ranks,
)
from vipreco.backtest.report import Judgement, compare, evaluate, to_markdown

__all__ = [
    "Estimate",
    "Judgement",
    "RollingFold",
    "auc",
    "average_precision",
    "bootstrap_mean",
    "bootstrap_ratio",
    "brier",
    "calibration_by_product",
    "calibration_summary",
    "compare",
    "coverage",
    "customer_folds",
    "evaluate",
    "expected_calibration_error",
    "hit",
    "lift_table",
    "listed",
    "log_loss",
    "ndcg",
    "novel",
    "paired_difference",
    "precision",
    "ranking_metrics",
    "reacquired",
    "recalibration",
    "recall",
    "relevant_ranks",
    "reliability_table",
    "rolling_folds",
    "to_markdown",
]
