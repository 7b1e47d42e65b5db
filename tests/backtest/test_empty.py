"""Metrics and figures of no rows: a fold in which nobody was observed must not end a training.

Cases B111.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vipreco.backtest.judged_lists import JudgedLists
from vipreco.backtest.plots import (
    decile_chart,
    product_calibration,
    quality_by_model,
    reliability_diagram,
    save_figure,
)
from vipreco.backtest.report import Judgement, evaluate
from vipreco.stats import calibration_by_product, calibration_summary, rate_by_decile, reliability_table

NOBODY = np.zeros(0)
NEVER = np.zeros(0, bool)
PAIRS = np.zeros((0, 3))
LISTS = JudgedLists.of(PAIRS, PAIRS.astype(bool), PAIRS.astype(bool), 7)


def test_metrics_of_nobody_are_unknown_and_not_zero() -> None:
    judged = Judgement(PAIRS.astype(bool), PAIRS.astype(bool), NEVER.astype(object), 7, 1, 10)
    found = evaluate({"vipreco": LISTS}, judged)
    ranking = found[found["metric"].str.contains("@") & (found["metric"] != "coverage@7")]
    assert len(ranking)
    assert ranking["value"].isna().all()
    assert np.isnan(calibration_summary(NOBODY, NEVER)["ratio"])


@pytest.mark.filterwarnings("ignore")
def test_figures_of_nobody_are_drawn_empty(tmp_path: Path) -> None:
    judged = Judgement(PAIRS.astype(bool), PAIRS.astype(bool), NEVER.astype(object), 7, 1, 10)
    by_product = calibration_by_product(PAIRS, PAIRS.astype(bool), PAIRS.astype(bool), ("a", "b", "c"))
    figures = {
        "reliability": reliability_diagram({"all": reliability_table(NOBODY, NEVER)}),
        "unlikely": reliability_diagram({"all": reliability_table(np.zeros(1), np.zeros(1, bool))}),
        "deciles": decile_chart({"all": rate_by_decile(NOBODY, NEVER)}),
        "products": product_calibration(by_product),
        "models": quality_by_model(evaluate({"vipreco": LISTS}, judged), "map@7"),
    }
    for name, figure in figures.items():
        save_figure(figure, tmp_path / f"{name}.png")
        assert (tmp_path / f"{name}.png").stat().st_size > 0
