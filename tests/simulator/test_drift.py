"""A world that changes: walks from the first month on, launches, and the old bank where nothing drifts."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from vipreco.errors import UsageError
from vipreco.simulator import DriftParameters, Parameters, simulate
from vipreco.simulator.calendar import Calendar
from vipreco.simulator.drift import draw_drift, launch_days
from vipreco.simulator.products import Catalogue

CATALOGUE, CALENDAR = Catalogue(), Calendar("2025-12", 24)


def test_the_reference_bank_does_not_drift() -> None:
    assert draw_drift(CATALOGUE, CALENDAR, DriftParameters(), 3) is None


def test_rates_and_needs_walk_from_the_first_month_on() -> None:
    drift = draw_drift(CATALOGUE, CALENDAR, DriftParameters(rate_sigma=0.1, need_sigma=0.05), 3)
    assert drift is not None
    assert not drift.levels[0].any()
    assert not drift.needs[0].any()
    steps = np.diff(drift.levels, axis=0), np.diff(drift.needs, axis=0)
    assert [step.std() for step in steps] == pytest.approx([0.1, 0.05], rel=0.1)
    assert drift.levels[12].std() == pytest.approx(0.1 * np.sqrt(12), rel=0.35)


def test_a_product_is_barred_before_its_launch() -> None:
    launches = (("W203", "2024-04"), ("I003", "2023-11"), ("F301", "2026-02"))
    drift = draw_drift(CATALOGUE, CALENDAR, DriftParameters(launches=launches), 3)
    assert drift is not None
    barred = np.isinf(drift.levels)
    columns = [CATALOGUE.position(product) for product, _ in launches]
    assert barred[:, columns].sum(axis=0).tolist() == [3, 0, 24]
    assert barred.sum() == 27
    assert launch_days(CATALOGUE, DriftParameters(launches=launches))["W203"] == date(2024, 4, 1)


def test_an_unknown_product_cannot_be_launched() -> None:
    with pytest.raises(UsageError, match="Q999 is no product of the bank"):
        draw_drift(CATALOGUE, CALENDAR, DriftParameters(launches=(("Q999", "2025-01"),)), 3)


def test_nobody_holds_a_product_before_its_launch(tmp_path: Path) -> None:
    drift = DriftParameters(launches=(("P004", "2025-11"),))
    simulate(600, 4, 7, tmp_path / "bank", parameters=Parameters(calibration_rows=4_096, drift=drift))
    raw = tmp_path / "bank" / "raw"
    opened = pl.read_parquet(raw / "holdings.parquet").filter(pl.col("PROD_CD") == "P004")["OPEN_DT"]
    assert opened.len() >= 5
    assert opened.min() >= date(2025, 11, 1)  # type: ignore[operator]
    lines = (raw / "products.csv").read_text(encoding="gb18030").splitlines()
    (line,) = [one for one in lines if "P004" in one]
    assert "20251101" in line
