"""Judged customers in parts: every number of one machine, bit by bit, whatever a part lacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.parts.small_tables import write_batches
from tests.recommender import test_relationship as large
from tests.recommender.test_training_parts import IDS, LATE, LEARNT, MONTHS, batches, panel
from vipreco.backtest import (
    BacktestPlan,
    BacktestResult,
    Champion,
    ChangePlan,
    ScoredCustomers,
    backtest,
    backtest_changes,
    rolling_folds,
    rolling_trials,
)
from vipreco.backtest.judged_parts import OTHER_LOTTERY, Judge, judge_panel
from vipreco.collaborative import SOURCES
from vipreco.features import FeatureSet
from vipreco.folds import LOTTERY, customer_folds
from vipreco.history import History
from vipreco.propensity import Machine
from vipreco.recommender import (
    HoldingFlags,
    Panel,
    Recommender,
    TrainingData,
    newest_holdings,
)

PLAN = BacktestPlan(list_length=2, resamples=20, machine=Machine(seed=2, threads=1))
DAYS = (LEARNT[-1], MONTHS[4])
"""At the first of them a part of seven has no customers."""


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_batches(tmp_path_factory.mktemp("bank") / "tables", batches())


@pytest.fixture(scope="module")
def features() -> FeatureSet:
    return FeatureSet.read(large.FEATURES, large.LADDER)


def alone(tables: Path) -> Panel:
    return Panel(History.open(tables, 1), DAYS)


def fitted(tables: Path, features: FeatureSet, source: str) -> Recommender:
    lesson = TrainingData(replace(alone(tables), as_of=(MONTHS[2],)))
    settings = large.SETTINGS.model_copy(update={"source": source})
    return Recommender.fit(lesson, features, settings, PLAN.machine)


@pytest.fixture(scope="module")
def judge(tables: Path, features: FeatureSet) -> Judge:
    """A model, all baselines, and a champion."""
    recommender, champion = (fitted(tables, features, source) for source in ("ease", "item-item-cosine"))
    own = alone(tables)
    state = newest_holdings(own, HoldingFlags(recommender.product_ids, recommender.segments))
    sources = {name: source().fit(state) for name, source in SOURCES.items()}
    return replace(Judge.of(recommender, sources, own.history, PLAN), champion=champion)


@pytest.fixture(scope="module")
def expected(tables: Path, judge: Judge) -> ScoredCustomers:
    found = judge_panel(judge, alone(tables))
    assert found.customer_ids.tolist() == [*sorted(set(IDS) - LATE), *IDS]
    assert found.truth.any(axis=1).sum() == 5
    assert list(found.scores) == ["vipreco", "champion"]
    assert {"implicit-als", "acquisition-popularity"} < set(found.lists)
    return found


def leaves(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Give whatever a result holds, by its place."""
    if is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, list | tuple):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        for name, own in value.items():
            yield from leaves(own, f"{place}.{name}")
    elif isinstance(value, pd.DataFrame):
        yield place, (list(value.columns), list(value.index))
        yield from leaves({name: value[name].to_numpy() for name in value.columns}, place)
    else:
        yield place, value


def assert_same(found: Any, expected: Any) -> None:
    """Compare two results to the last bit."""
    ours, theirs = dict(leaves(found, "")), dict(leaves(expected, ""))
    assert list(ours) == list(theirs)
    for place, value in theirs.items():
        if isinstance(value, np.ndarray):
            assert ours[place].dtype == value.dtype, place
            np.testing.assert_array_equal(ours[place], value, place)
        else:
            assert repr(ours[place]) == repr(value), place


@pytest.mark.parametrize("number", [1, 2, 7])
def test_any_number_of_parts_gives_the_rows_of_one_machine(
    tables: Path, judge: Judge, expected: ScoredCustomers, number: int
):
    """Of seven parts one has no customers at the first date."""
    assert_same(judge_panel(judge, replace(panel(tables, number), as_of=DAYS)), expected)


def test_lists_are_kept_as_the_places_of_what_was_acquired(judge: Judge, expected: ScoredCustomers):
    """The shares of acquirers, ranked by hand for every customer who acquired something."""
    rates = judge.recommender.base_rates
    row, column = np.nonzero(expected.truth)
    by_hand = [
        1 + sum(rates[other] > rates[own] for other in np.flatnonzero(expected.listable[customer]))
        for customer, own in zip(row, column, strict=True)
    ]
    assert expected.lists["acquisition-popularity"].ranks.tolist() == by_hand
    assert expected.lists["acquisition-popularity"].covered.all()


def test_of_a_large_bank_a_lottery_of_ids_says_who_is_judged(
    tables: Path, judge: Judge, expected: ScoredCustomers
):
    """A third of 48 customers, each with the chances that they have among all."""
    few = replace(PLAN, max_customers=len(IDS) // 3)
    drawing = replace(Judge.of(judge.recommender, {}, alone(tables).history, few), champion=judge.champion)
    whole, parts = (judge_panel(drawing, own) for own in (alone(tables), two_parts(tables)))
    assert_same(parts, whole)
    lottery = customer_folds(expected.customer_ids, LOTTERY, PLAN.machine.seed + OTHER_LOTTERY)
    drawn = lottery < LOTTERY / 3
    assert 0 < drawn.sum() < len(drawn)
    assert whole.customer_ids.tolist() == expected.customer_ids[drawn].tolist()
    for name, scores in expected.scores.items():
        np.testing.assert_array_equal(whole.scores[name], scores[drawn])
    np.testing.assert_array_equal(whole.truth, expected.truth[drawn])


def replayed(own: Panel, features: FeatureSet, champion: Champion) -> BacktestResult:
    folds = rolling_folds(own.history.snapshot_dates, 1, folds=2)
    assert tuple(fold.test for fold in folds) == DAYS
    return backtest(rolling_trials(own, folds), features, large.SETTINGS, PLAN, champion=champion)


@pytest.mark.long
@pytest.mark.parametrize("number", [1, 2, 7])
def test_a_backtest_in_parts_gives_every_number_of_one_machine(
    tables: Path, features: FeatureSet, number: int
):
    """Metrics, calibration by product and tier, leads; a champion as it is, and fitted anew."""
    own, settings = alone(tables), large.SETTINGS.model_copy(update={"source": "item-item-cosine"})
    recommender = Recommender.fit(
        TrainingData(replace(own, as_of=DAYS[:1])), features, settings, PLAN.machine
    )
    champion = Champion(recommender, settings, own.history.label_window(DAYS[0], 1)[1])
    found = replayed(own, features, champion)
    assert found.against_champion is not None
    assert len(set(found.against_champion.bases.values())) == 2
    assert_same(replayed(panel(tables, number), features, champion), found)


@pytest.mark.slow
@pytest.mark.parametrize("number", [2, pytest.param(7, marks=pytest.mark.long)])
def test_attrition_and_tier_upgrades_are_judged_alike_in_parts(
    tables: Path, features: FeatureSet, number: int
):
    plan = ChangePlan(folds=1, resamples=20, machine=PLAN.machine)
    whole, parts = (
        backtest_changes(own, features, large.SETTINGS, plan)
        for own in (alone(tables), panel(tables, number))
    )
    assert len(whole.metrics) > 0
    assert_same(parts, whole)


def two_parts(tables: Path) -> Panel:
    return replace(panel(tables, 2), as_of=DAYS)
