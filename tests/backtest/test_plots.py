"""Figures: the numbers that were given are those that are drawn; the same figure is the same file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from vipreco.backtest import save_figure
from vipreco.backtest.plots import decile_chart, product_calibration, quality_by_model, reliability_diagram
from vipreco.stats import Flags, Floats, calibration_by_product, rate_by_decile, reliability_table


def rows(customers: int = 3000) -> tuple[Floats, Flags]:
    random = np.random.default_rng(0)
    p = random.beta(1, 9, (customers, 3))
    return p, random.random(p.shape) < p


def reliability() -> Figure:
    p, truth = rows()
    return reliability_diagram({"all rows": reliability_table(p.ravel(), truth.ravel())})


def deciles() -> Figure:
    p, truth = rows()
    table = rate_by_decile(p.ravel(), truth.ravel())
    return decile_chart({"model": table, "popularity": table})


def quality() -> Figure:
    columns = ["model", "slice", "metric", "value", "low", "high", "customers"]
    frame = pd.DataFrame(
        [
            ("ours", "all", "map@7", 0.9, 0.88, 0.92, 1000),
            ("popularity", "all", "map@7", 0.6, 0.58, 0.62, 1000),
            ("ours", "tier TOP", "map@7", 0.8, 0.75, 0.85, 100),
            ("popularity", "tier TOP", "map@7", 0.5, np.nan, np.nan, 100),
            ("ours", "all", "recall@7", 0.1, 0.1, 0.1, 1000),
        ],
        columns=columns,
    )
    return quality_by_model(frame, "map@7")


def by_product() -> Figure:
    p, truth = rows()
    listable = np.ones_like(truth)
    listable[:, 2] = False
    return product_calibration(calibration_by_product(p, truth, listable, ["card", "fund", "closed"]))


FIGURES = pytest.mark.parametrize("draw", [reliability, deciles, quality, by_product])


@FIGURES
def test_every_figure_has_a_title_and_labelled_axes(draw: Callable[[], Figure]) -> None:
    axes = draw().axes[0]
    assert axes.get_title()
    assert axes.get_xlabel()
    assert axes.get_ylabel() or all(label.get_text() for label in axes.get_yticklabels())


@FIGURES
@pytest.mark.parametrize("ending", [".png", ".svg"])
def test_the_same_figure_is_saved_byte_for_byte_the_same(
    draw: Callable[[], Figure], ending: str, tmp_path: Path
) -> None:
    first, second = tmp_path / f"first{ending}", tmp_path / f"second{ending}"
    save_figure(draw(), first)
    save_figure(draw(), second)
    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_size > 1000


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.pdf"):
        save_figure(deciles(), tmp_path / "deciles.pdf")


def test_the_reliability_diagram_draws_the_table() -> None:
    p, truth = rows()
    table = reliability_table(p.ravel(), truth.ravel())
    drawn = reliability().axes[0].containers[0][0]
    np.testing.assert_allclose(np.asarray(drawn.get_xdata(), dtype=float), table["expected_rate"])
    np.testing.assert_allclose(np.asarray(drawn.get_ydata(), dtype=float), table["observed_rate"])


def test_the_decile_bars_are_as_high_as_the_ratios() -> None:
    p, truth = rows()
    heights = [bar.get_height() for bar in deciles().axes[0].patches]  # type: ignore[attr-defined]
    assert heights[:10] == pytest.approx(rate_by_decile(p.ravel(), truth.ravel())["ratio"].tolist())


def test_quality_is_drawn_for_the_metric_asked_for_and_names_the_customers_of_each_slice() -> None:
    axes = quality().axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "all\n(1,000 customers)",
        "tier TOP\n(100 customers)",
    ]
    assert sorted(np.concatenate([np.asarray(line.get_xdata()) for line in axes.lines[:2]])) == [
        0.5,
        0.6,
        0.8,
        0.9,
    ]


def test_a_product_without_an_expected_acquisition_is_left_out() -> None:
    labels = [label.get_text() for label in by_product().axes[0].get_yticklabels()]
    assert len(labels) == 2
    assert {label.split()[0] for label in labels} == {"card", "fund"}


def test_an_interval_that_leaves_its_value_out_is_drawn_without_a_bar_on_that_side():
    frame = pd.DataFrame(
        [["ours", "all", "map@7", 0.9, 0.91, 0.95, 10]],
        columns=["model", "slice", "metric", "value", "low", "high", "customers"],
    )
    (axes,) = quality_by_model(frame, "map@7").axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["all\n(10 customers)"]
