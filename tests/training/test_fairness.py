"""Fairness in the gate: unseen chances that are too low for a protected group refuse a challenger."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from training import fairness
from training.gate_file import FairnessGate, read_gates
from training.gates import judge
from training.result import TrainingJob
from vipreco.assurance import ProtectedGroups, read_groups
from vipreco.backtest import ScoredCustomers
from vipreco.features import read_prohibited
from vipreco.project import Project

ROOT = Path(__file__).parents[2]
PRODUCTS = ("fund", "card")


def judged(bias: float, customers: int = 4000, seed: int = 5) -> tuple[ScoredCustomers, ProtectedGroups]:
    """Return judged customers whose chances are too low by a factor in one group, and the groups."""
    random = np.random.default_rng(seed)
    ids = np.array([f"{number:05d}" for number in range(customers)])
    group = np.where(random.random(customers) < 0.5, "f", "m")
    chances = random.beta(2, 18, (customers, 2))
    truth = random.random(chances.shape) < chances
    told = np.where((group == "f")[:, None], chances * bias, chances)
    pairs = np.ones_like(truth)
    tiers = np.full(customers, "GOLD", object)
    scored = ScoredCustomers({"vipreco": told}, truth, pairs, ~pairs, tiers, ids.astype(object))
    return scored, ProtectedGroups(ids, {"gender": group})


def found_by(scored: ScoredCustomers, groups: ProtectedGroups | None) -> fairness.Fairness:
    catalog = SimpleNamespace(product_ids=PRODUCTS, families=("wealth", "cards"))
    job: Any = SimpleNamespace(gates=SimpleNamespace(fairness=FairnessGate(top=1)))
    found: Any = SimpleNamespace(judged=scored, product_ids=PRODUCTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fairness, "Catalog", SimpleNamespace(from_view=lambda _: catalog))
        return fairness.judge_fairness(job, groups, found, Any)  # type: ignore[arg-type]


def test_a_planted_bias_is_refused_by_the_gate_and_named() -> None:
    fair = found_by(*judged(bias=0.5))
    gates = [gate for gate in read_gates(Project.find(ROOT)).gate if gate.metric == fairness.METRIC]
    (finding,) = judge(gates, fair.metrics)
    assert not finding.passed
    assert "gender f, all, calibration: " in fair.details[fairness.METRIC]
    (table,) = fair.card_tables()
    assert {row[-1] for row in table.rows if row[3] == "calibration" and row[2] == "all"} == {"differs"}


def test_equal_groups_pass() -> None:
    fair = found_by(*judged(bias=1.0))
    assert fair.metrics == {fairness.METRIC: 0.0}
    assert not fair.details


def test_only_the_newest_row_of_a_customer_counts() -> None:
    early, groups = judged(bias=0.5)
    late, _ = judged(bias=1.0)
    both = ScoredCustomers(
        {"vipreco": np.concatenate([early.scores["vipreco"], late.scores["vipreco"]])},
        *(
            np.concatenate([getattr(early, name), getattr(late, name)])
            for name in ("truth", "listable", "held_before", "tiers", "customer_ids")
        ),
    )
    assert found_by(both, groups).metrics == found_by(late, groups).metrics
    assert found_by(replace(both), groups).rows[0].found.customers < len(groups.customer_ids)


def test_without_a_file_of_groups_nothing_is_judged_and_the_card_says_so() -> None:
    fair = found_by(judged(bias=0.5)[0], None)
    assert fair.metrics == {}
    assert fair.limits == [fairness.NOT_JUDGED]
    gates = [gate for gate in read_gates(Project.find(ROOT)).gate if gate.metric == fairness.METRIC]
    assert judge(gates, fair.metrics)[0].passed


def test_a_file_that_is_named_and_missing_is_told_before_anything_is_fitted(job: TrainingJob) -> None:
    from vipreco.errors import UsageError

    named = replace(job, gates=job.gates.model_copy(update={"fairness": FairnessGate(groups="no.csv")}))
    with pytest.raises(UsageError, match="cannot be read"):
        fairness.groups_of(named)


def test_groups_come_from_a_file_below_the_root(tmp_path: Path) -> None:
    pl.DataFrame({"customer_id": ["2", "1"], "gender": ["f", None]}).write_csv(tmp_path / "groups.csv")
    groups = read_groups(tmp_path / "groups.csv", read_prohibited(ROOT / "features"))
    assert groups.of(np.array(["1", "2", "3"]))["gender"].tolist() == ["", "f", ""]
