"""Rows of the figures that a model gives, counted by hand on two customers and three products."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.kpi.counted_bank import CALLS, DECEMBER, LADDER, history
from vipreco.kpi import FIGURES, FigureInputs, customer_list, figure_rows, measures
from vipreco.kpi.model_rows import MODEL_SCHEMA, ModelFigures, ModelRows
from vipreco.policy import Stage
from vipreco.propensity import ATTRITION
from vipreco.settings import KpiSettings


def recommender(tells: bool = True) -> Any:
    return SimpleNamespace(
        features=SimpleNamespace(ladder=LADDER),
        relationship=SimpleNamespace(gives=lambda change: tells and change == ATTRITION),
        settings=SimpleNamespace(relationship_horizon_months=3),
        policy=SimpleNamespace(
            rules=[SimpleNamespace(reason_code="RISKY", named={"en": "risk class", "zh": "风险等级"}.get)]
        ),
    )


def decisions(kinds: bool = True) -> Any:
    """Three customers: a VIP, one below, a VIP who opted out; three products."""
    probabilities = np.array([[0.1, 0.2, 0.1], [0.5, 0.0, 0.0], [np.nan] * 3])
    told = SimpleNamespace(probabilities=probabilities, lost_shares=np.array([1.0, 0.5, 0.0]))
    rules = [
        SimpleNamespace(stage=Stage.APPLICABILITY, reason_code="HELD"),
        SimpleNamespace(stage=Stage.SUITABILITY, reason_code="RISKY"),
    ]
    money = SimpleNamespace(priority=np.array([[1.0, 2.0, 4.0], [8.0, 8.0, 8.0], [-1.0, 16.0, 32.0]]))
    return SimpleNamespace(
        customer_ids=np.array(["a", "f", "g"]),
        policy=SimpleNamespace(rules=rules),
        verdict=np.array([[1, 2, 2], [2, 2, 2], [2, 0, 2]]),
        factors=SimpleNamespace(economics=SimpleNamespace(kinds=told if kinds else None), money=money),
        attrition_probability=np.array([0.4, np.nan, np.nan]),
    )


def found(tells: bool = True, kinds: bool = True) -> ModelFigures:
    relations: Any = SimpleNamespace(
        tiers=np.array(["GOLD", "BASIC", "TOP"], object), aum=np.array([1000.0, 10.0, 500.0])
    )
    rows = ModelRows(recommender(tells), relations)
    rows.add(slice(0, 3), decisions(kinds))
    return rows.figures()


def of(figure: str, model: ModelFigures) -> list[tuple[Any, ...]]:
    rows = model.rows.filter(pl.col("figure") == figure)
    return rows.select("customer_id", "part", "amount", "value").rows()


def test_drain_is_told_of_vip_customers_by_the_kinds_of_attrition() -> None:
    # 0.1 x all + 0.2 x half + 0.1 x nothing, of 1,000
    assert of("drain_expected", found()) == [
        ("a", None, pytest.approx(200.0), 0.4),
        ("g", None, None, None),
    ]
    assert of("drain_expected", found(kinds=False))[0] == ("a", None, pytest.approx(400.0), 0.4)


def test_products_that_are_held_are_not_stopped() -> None:
    assert found().rule_names == {"RISKY": {"en": "risk class", "zh": "风险等级"}}
    assert of("offers_stopped", found()) == [("a", "RISKY", 6.0, 2.0), ("g", "RISKY", 32.0, 2.0)]


def test_a_model_without_attrition_says_so() -> None:
    silent = found(tells=False)
    assert (silent.horizon_months, silent.missing) == (0, "")
    rows = figure_rows(history().as_of(DECEMBER), FigureInputs(LADDER, CALLS, KpiSettings(), silent))
    assert dict(rows.missing) == {"drain_expected": "attrition"}


def test_the_expected_drain_has_its_sum_and_an_interval() -> None:
    chances = {"a": (0.5, 100.0), "b": (0.25, 40.0), "g": (None, None)}
    frame = pl.DataFrame(
        [("drain_expected", who, amount, chance, None) for who, (chance, amount) in chances.items()],
        schema=MODEL_SCHEMA,
        orient="row",
    )
    inputs = FigureInputs(LADDER, CALLS, KpiSettings(), ModelFigures(frame, 3))
    rows = figure_rows(history().as_of(DECEMBER), inputs)
    (told,) = measures(rows, ["drain_expected"]).to_dicts()
    assert (told["month_date"], told["number"], told["total_amount"], told["customers"]) == (
        DECEMBER,
        0.75,
        pytest.approx(140.0),
        2,
    )
    assert (told["number_low"], told["number_high"]) == (0, 2)
    assert (told["low_amount"], told["high_amount"]) == (0, pytest.approx(200 + 160))
    listed = customer_list(rows, FIGURES["drain_expected"])
    assert listed.select("customer_id", "at_risk_amount", "attrition_probability").rows() == [
        ("a", 100.0, 0.5),
        ("b", 40.0, 0.25),
    ]
