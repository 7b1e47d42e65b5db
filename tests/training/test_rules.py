"""Gates, recipe, model card, deadline and addresses: everything that needs no server."""

from __future__ import annotations

import threading
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from training.deadline import AbandonedError, Progress, within
from training.gate_file import read_gates
from training.gates import (
    AGAINST_CHAMPION,
    DEFAULT_GATES,
    MEANINGS,
    Gate,
    explain,
    judge,
    refusals,
    warnings,
)
from training.model_card import markdown_table, render_card
from training.recipe import DataSection, Recipe, find_recipe, read_recipe, training_dates
from training.result import CardInputs, CardTable, Record
from training.server import shown_uri
from training.summary import summarise
from training.verdict import Verdict, decide, make_verdict
from vipreco.errors import UsageError
from vipreco.project import Project
from vipreco.recommender import RecommenderSettings

RECIPES = Path(__file__).parents[2] / "training" / "recipes"
FINITE = st.floats(-10, 10)


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_every_recipe_in_the_project_is_valid(path: Path) -> None:
    assert read_recipe(path).name == path.stem
    assert find_recipe(RECIPES, path.stem) == path


def test_an_unknown_recipe_lists_the_known(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("")
    with pytest.raises(UsageError, match=r"there is no recipe b") as caught:
        find_recipe(tmp_path, "b")
    assert caught.value.remedy.endswith(": a")


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ('name = "x"\n[data]\nnewst = 2\n', "data.newst: unknown setting, did you mean newest?"),
        ('name = "x"\n[data]\nnewest = "2"\n', "data.newest: Input should be a valid integer"),
        ('name = "x"\n[[gate]]\nmetric = "auc"\n', "give min_value, max_value or champion_margin"),
        ('name = "x"\n[[gate]]\nmetric = "auc"\nmin_value = nan\nmin_valu = 1\n', "did you mean min_value"),
        ("", "name: Field required"),
    ],
)
def test_a_wrong_recipe_is_told_by_setting(tmp_path: Path, text: str, finding: str) -> None:
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        read_recipe(tmp_path / "r.toml")
    assert finding in "\n".join(caught.value.examples)


MONTHS = [date(2015, month, 28) for month in range(1, 7)]


@pytest.mark.parametrize(
    ("data", "horizon", "expected"),
    [
        ({}, {}, [MONTHS[4]]),
        ({"newest": 3}, {}, MONTHS[2:5]),
        ({"newest": 2}, {"horizon_months": 3}, MONTHS[1:3]),
        ({}, {"gap_months": 1}, [MONTHS[3]]),
        ({"as_of_dates": (MONTHS[1], MONTHS[0])}, {}, MONTHS[:2]),
    ],
)
def test_as_of_dates_are_the_newest_with_complete_labels_or_those_named(
    data: dict[str, Any], horizon: dict[str, Any], expected: list[date]
) -> None:
    recipe = Recipe(name="r", data=DataSection(**data), recommender=RecommenderSettings(**horizon))
    assert training_dates(recipe, MONTHS[::-1]) == expected


def test_a_month_without_snapshot_at_the_end_of_its_window_is_not_learnt_from() -> None:
    gap = [day for day in MONTHS if day.month != 4]
    assert training_dates(Recipe(name="r", data=DataSection(newest=9)), gap) == [
        MONTHS[0],
        MONTHS[1],
        MONTHS[4],
    ]
    with pytest.raises(UsageError) as caught:
        training_dates(Recipe(name="r", data=DataSection(as_of_dates=(MONTHS[2], MONTHS[0]))), gap)
    assert caught.value.examples == ("2015-03-28: no snapshot then, or none at the end of its window",)
    with pytest.raises(UsageError, match="at least two snapshots"):
        training_dates(Recipe(name="r"), MONTHS[:1])


@given(value=FINITE, low=FINITE, high=FINITE, champion=FINITE, margin=st.floats(0, 5), up=st.booleans())
def test_a_gate_passes_exactly_when_every_bound_holds(
    value: float, low: float, high: float, champion: float, margin: float, up: bool
) -> None:
    gate = Gate(metric="m", min_value=low, max_value=high, champion_margin=margin, higher_is_better=up)
    passed = not refusals(judge([gate], {"m": value}, {"m": champion}))
    loss = champion - value if up else value - champion
    assert passed == (low <= value <= high and loss <= margin)


def test_a_refusal_has_both_numbers() -> None:
    gate = Gate(metric="slope", min_value=0.8, max_value=1.25)
    assert refusals(judge([gate], {"slope": 1.3})) == ["slope is 1.3, needed is at most 1.25"]
    assert refusals(judge([gate], {"slope": 0.5})) == ["slope is 0.5, needed is at least 0.8"]


@pytest.mark.parametrize(
    ("value", "beside", "champion", "passes"),
    [
        (1.3, 1.28, 1.4, True),  # both are out on the same side, and the champion is farther
        (1.3, 1.4, 1.28, False),
        (1.3, 1.28, 1.2, False),  # the champion is within the bounds
        (1.3, 1.28, 0.5, False),  # it is out on the other side
        (0.7, 0.7, 0.6, True),
        (1.3, None, 1.4, False),
        (1.3, 1.28, float("nan"), False),
        (1.3, 1.28, 0.0, False),
    ],
)
def test_a_bound_that_the_champion_breaks_by_more_keeps_nobody_back(
    value: float, beside: float | None, champion: float, *, passes: bool
) -> None:
    gate = Gate(metric="sum", min_value=0.8, max_value=1.25, or_nearer_than_champion=True)
    metrics = {"sum": value, "sum/beside-champion": beside, "sum/champion": champion}
    assert (refusals(judge([gate], metrics, champion={})) == []) is passes
    assert len(refusals(judge([gate], metrics))) == 1  # a first model is held by its bounds
    assert len(warnings([gate], metrics)) == 1  # and whoever calls by either is told
    plain = gate.model_copy(update={"or_nearer_than_champion": False})
    assert len(refusals(judge([plain], metrics, champion={}))) == 1


def test_a_challenger_that_passes_beside_a_worse_champion_says_so() -> None:
    gate = Gate(metric="sum", max_value=1.25, or_nearer_than_champion=True)
    metrics = {"sum": 1.3, "sum/beside-champion": 1.28, "sum/champion": 1.4}
    (finding,) = judge([gate], metrics, champion={})
    assert finding.sentence == (
        "sum is 1.3, needed is at most 1.25; on the same months it is 1.28, the champion 1.4, farther from 1"
    )


@pytest.mark.parametrize(
    ("lists", "probabilities", "passes"),
    [
        (0.01, -0.02, True),
        (-0.02, 0.01, True),
        (0.0, 0.0, False),
        (None, None, False),
        (float("nan"), None, False),
    ],
)
def test_a_challenger_that_is_surely_better_may_change_many_lists(
    lists: float | None, probabilities: float | None, *, passes: bool
) -> None:
    gate = Gate(metric="first-offers-changed", max_value=0.5, unless_surely_better=True)
    lows = {"map-above-champion/low": lists, "log-loss-above-champion/low": probabilities}
    metrics = {"first-offers-changed": 0.6, **lows}
    assert (refusals(judge([gate], metrics, champion={})) == []) is passes
    plain = gate.model_copy(update={"unless_surely_better": False})
    assert len(refusals(judge([plain], metrics, champion={}))) == 1


def test_a_challenger_that_changes_many_lists_says_by_how_much_it_is_better() -> None:
    gate = Gate(metric="first-offers-changed", max_value=0.5, unless_surely_better=True)
    lows = {"map-above-champion/low": 0.01, "log-loss-above-champion/low": -0.1}
    (finding,) = judge([gate], {"first-offers-changed": 0.6, **lows}, champion={})
    assert finding.sentence == (
        "first-offers-changed is 0.6, needed is at most 0.5, or to be better: "
        "map-above-champion is surely 0.01 or more"
    )


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_a_number_that_is_missing_does_not_pass(value: float | None) -> None:
    gate = Gate(metric="m", min_value=0.0)
    assert refusals(judge([gate], {"m": value})) == ["m is not known"]
    assert refusals(judge([gate], {})) == ["m is not known"]


def test_a_margin_does_not_apply_without_a_champion_or_its_number() -> None:
    gate = Gate(metric="m", champion_margin=0.0)
    assert judge([gate], {"m": 0.1}) == []
    (finding,) = judge([gate], {"m": 0.1}, {"other": 1.0})
    assert finding.passed
    assert "the champion has no such number" in finding.sentence


def test_recipes_and_registered_versions_of_before_are_judged_by_the_present_names() -> None:
    """Before, metrics of attrition and tier upgrades were named leaving and rising."""
    gate = Gate(metric="rising/auc", min_value=0.7, champion_margin=0.05)
    assert gate.metric == "tier_upgrade/auc"
    for name in ("rising/auc", "tier_upgrade/auc"):
        passed = judge([gate], {name: 0.8}, {"rising/auc": 0.81})
        assert [finding.passed for finding in passed] == [True, True]
    assert (
        "the champion has 0.9" in refusals(judge([gate], {"tier_upgrade/auc": 0.8}, {"rising/auc": 0.9}))[0]
    )


@pytest.mark.parametrize(
    ("acquirers", "ends", "passes"),
    [
        (1000, (0.01, 0.03), True),
        (1000, (-0.001, 0.05), False),
        (100, (-0.02, 0.06), True),
        (100, (-0.06, -0.01), False),
        (None, (-0.02, 0.06), True),
    ],
)
def test_chance_decides_only_where_few_customers_acquired(
    acquirers: int | None, ends: tuple[float, float], passes: bool
) -> None:
    metrics = {"lead": 0.02, "lead/low": ends[0], "lead/high": ends[1]}
    cases = {} if acquirers is None else {"acquirers": acquirers}
    gate = Gate(metric="lead", min_value=0.0, surely=True)
    assert judge([gate], {**metrics, **cases})[0].passed is passes


@pytest.mark.parametrize(
    ("acquirers", "value", "ends", "passes", "warned"),
    [
        (1000, 1.1, (1.0, 1.2), True, False),
        (1000, 1.3, (1.2, 1.4), False, True),
        (40, 1.8, (1.2, 2.7), True, True),
        (40, 1.8, (1.4, 2.3), False, True),
        (40, 0.5, (0.3, 0.9), True, True),
        (40, 1.2, (0.8, 1.8), True, False),
    ],
)
def test_with_few_cases_a_sum_passes_whose_interval_reaches_the_bounds_and_lists_are_warned(
    acquirers: int, value: float, ends: tuple[float, float], passes: bool, warned: bool
) -> None:
    """The same gate in every recipe."""
    name = "calibration_ratio"
    metrics = {name: value, f"{name}/low": ends[0], f"{name}/high": ends[1], "acquirers": float(acquirers)}
    gate = next(gate for gate in DEFAULT_GATES if gate.metric == name)
    assert (refusals(judge([gate], metrics)) == []) is passes
    assert len(warnings([gate], metrics)) == warned


def test_a_lead_that_is_not_sure_is_a_warning_of_its_own():
    gate = Gate(metric="lead", min_value=0.0, surely=True)
    metrics = {"lead": 0.02, "lead/low": -0.01, "lead/high": 0.05, "acquirers": 1000.0}
    assert warnings([gate], metrics) == refusals(judge([gate], metrics)) != []


def test_the_file_of_gates_holds_for_every_recipe_and_has_the_default_gates() -> None:
    assert all(read_recipe(path).gate == () for path in RECIPES.glob("*.toml"))
    gates = {gate.metric: gate for gate in read_gates(Project.find(RECIPES)).gate}
    assert all(gates[gate.metric] == gate for gate in DEFAULT_GATES)
    assert gates.keys() > AGAINST_CHAMPION
    assert not [name for name in gates if name not in MEANINGS]


def test_a_project_without_a_file_of_gates_has_the_default_gates(tmp_path: Path) -> None:
    (tmp_path / "vipreco.toml").write_text('[project]\nname = "plain"\n')
    assert read_gates(Project.find(tmp_path)).gate == DEFAULT_GATES
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "gates.toml").write_text("eror_rate = 0.1\n")
    with pytest.raises(UsageError) as caught:
        read_gates(Project.find(tmp_path))
    assert caught.value.examples == ("eror_rate: unknown setting, did you mean error_rate?",)


GATE = Gate(metric="map-above-champion", min_value=-0.01, surely=True)


@pytest.mark.parametrize(
    ("lead", "ends", "decision"),
    [
        (0.0, (0.0, 0.0), "passed"),
        (-0.002, (-0.009, 0.005), "passed"),
        (0.005, (-0.02, 0.03), "undecided"),
        (-0.02, (-0.04, 0.0), "refused"),
    ],
)
@pytest.mark.parametrize("acquirers", [None, 40.0, 4000.0])
def test_a_challenger_is_not_worse_only_where_the_interval_says_so_however_few_the_cases(
    lead: float, ends: tuple[float, float], decision: str, acquirers: float | None
) -> None:
    metrics = {GATE.metric: lead, f"{GATE.metric}/low": ends[0], f"{GATE.metric}/high": ends[1]}
    cases = {} if acquirers is None else {"acquirers": acquirers}
    findings = judge([GATE], {**metrics, **cases}, champion={})
    assert decide(findings) == decision


def test_a_lead_over_the_champion_without_an_interval_is_not_enough() -> None:
    assert decide(judge([GATE], {GATE.metric: 0.1, "acquirers": 5000.0}, champion={})) == "undecided"


def test_gates_against_the_champion_do_not_apply_without_one_and_fail_unmeasured() -> None:
    assert judge([GATE], {}) == []
    assert refusals(judge([GATE], {}, champion={})) == [
        "map-above-champion is not known beside the present champion"
    ]


def test_what_is_not_measured_passes_only_where_the_gate_says_so() -> None:
    gate = Gate(metric="tier_upgrade/auc", min_value=0.6, where_known=True)
    assert judge([gate], {})[0].passed
    assert not judge([gate], {"tier_upgrade/auc": 0.5})[0].passed


def test_the_verdict_names_what_stands_behind_a_number_and_its_hash_changes_with_it() -> None:
    off = "calibration-by-product/surely-off"
    rules = (Gate(metric=off, max_value=1.5),)
    made = make_verdict(record(gates=rules, summary_metrics={off: 2.0}, details={off: "W202: sum 2.4"}))
    assert (made.decision, made.bounds[0].detail) == ("refused", "W202: sum 2.4")
    assert Verdict.model_validate_json(made.content()) == made
    other = make_verdict(record(gates=rules, summary_metrics={off: 1.2}))
    assert (other.decision, other.hash == made.hash) == ("passed", False)


def test_default_gates_refuse_what_is_no_better_than_a_simple_rule() -> None:
    good = {"map-above-popularity": 0.1, "map-above-held-before": 0.05}
    good |= {"calibration_ratio": 1.1, "calibration_slope": 0.9}
    assert refusals(judge(DEFAULT_GATES, good)) == []
    for name, value in [("map-above-popularity", -0.01), ("calibration_ratio", 1.4)]:
        assert len(refusals(judge(DEFAULT_GATES, {**good, name: value}))) == 1
    assert len(refusals(judge(DEFAULT_GATES, {}))) == 4


def test_a_refusal_is_explained_in_three_lines() -> None:
    metrics = {"map-above-popularity": -0.01, "calibration_ratio": 1.4}
    lines = explain(judge([DEFAULT_GATES[0], DEFAULT_GATES[2]], metrics))
    assert [line.partition(":")[0] for line in lines] == ["gate not passed", "this means", "what would help"]
    assert "map-above-popularity is -0.01" in lines[0]
    assert "calibration_ratio is 1.4, needed is at most 1.25" in lines[0]
    assert "what is acquired most" in lines[1]
    assert explain(judge([DEFAULT_GATES[0]], {"map-above-popularity": 0.01})) == []


def test_the_summary_opens_with_the_verdict_and_puts_rules_beside_numbers() -> None:
    metrics = {
        "acquirers": 1234.0,
        "map_at_3": 0.5,
        "acquisition-popularity/map_at_3": 0.3,
        "held-before-then-acquisitions/map_at_3": 0.4,
        "attrition/auc": 0.9,
        "distance-to-the-line/attrition/auc": 0.91,
    }
    found = summarise(metrics, [])
    assert found.lines == ("verdict: passes its gates", "judged on: 1,234 customers who acquired something")
    first, last = found.rows
    assert (first["metric"], first["ours"], first["popularity"], first["held_before"]) == (
        "map@3", 0.5, 0.3, 0.4,
    )  # fmt: skip
    assert (last["metric"], last["distance_to_line"]) == ("attrition, auc", 0.91)


def test_a_gate_without_a_bound_is_an_error() -> None:
    with pytest.raises(ValidationError):
        Gate(metric="m")


def record(**changes: object) -> Record:
    content: dict[str, object] = {
        "training_id": "1-aa",
        "recipe": "plain",
        "artifact_hash": "ab" * 32,
        "snapshot_id": "0011",
        "feature_fingerprint": "cc",
        "as_of_date": "2015-05-28",
        "trained_by": "ada",
        "promote": False,
        "four_eyes": False,
        "started_ms": 1,
        "ended_ms": 2,
        "parameters": {"rounds": 200},
        "metrics_by_fold": ({"auc": 0.81234567}, {"auc": None, "map": 0.5}),
        "summary_metrics": {"auc": 0.8},
        "champion_metrics": None,
        "gates": (Gate(metric="auc", min_value=0.9),),
    }
    return Record.model_validate({**content, **changes})


def test_the_model_card_has_fingerprints_folds_gates_limits_and_baselines() -> None:
    table = CardTable("Against baselines", ("model", "auc"), (("a|b\nc", 0.5),))
    card = render_card(
        record(), CardInputs("12 customers.", "Trees.", ("Mortgages: thin.",), "### Ranking", (table,))
    )
    for expected in [
        "# Model card: plain, as of 2015-05-28",
        "| tables | snapshot `0011` |",
        "## How good it is\n### Ranking\n### Against",
        "Against baselines\n| model | auc |\n| --- | --- |\n| a\\|b c | 0.5 |",
        "| measure | fold 0 | fold 1 |\n| --- | --- | --- |\n| auc | 0.8123 | - |\n| map | - | 0.5 |",
        "- NOT passed: auc is 0.8, needed is at least 0.9",
        "- Mortgages: thin.",
        "| rounds | 200 |",
    ]:
        assert expected in card
    first = card.partition("## What it is for")[
        0
    ]  # verdict, cases and main numbers come before anything else
    assert "**refused: it does not meet every gate" in first
    assert "Judged on an unknown number of cases." in first
    assert "$" not in card


def test_a_model_card_admits_that_no_limits_were_named() -> None:
    assert "treat that as an omission" in render_card(record(), CardInputs("d", "m"))


def test_a_table_without_rows_is_a_header() -> None:
    assert markdown_table(("a", "b"), []) == "| a | b |\n| --- | --- |"


def test_work_that_makes_steps_may_take_longer_than_the_patience() -> None:
    def work(progress: Progress) -> int:
        for _ in range(6):
            time.sleep(0.1)
            progress.step()
        return 7

    assert within(0.4, work) == 7


def test_work_that_hangs_is_given_up_and_changes_nothing_afterwards() -> None:
    go_on, ended, done = threading.Event(), threading.Event(), []

    def work(progress: Progress) -> None:
        go_on.wait(10)
        try:
            progress.step()
            done.append("changed")
        except AbandonedError:
            done.append("stopped")
        ended.set()

    with pytest.raises(TimeoutError):
        within(0.2, work)
    assert not ended.is_set()  # nobody waited for it
    go_on.set()
    ended.wait(10)
    assert done == ["stopped"]


def test_a_step_may_announce_that_the_next_takes_longer() -> None:
    def work(progress: Progress) -> str:
        progress.step(extra=5.0)
        time.sleep(0.5)
        return "done"

    assert within(0.1, work) == "done"


def test_an_error_of_the_work_reaches_the_caller() -> None:
    def work(progress: Progress) -> None:
        raise KeyError("in the work")

    with pytest.raises(KeyError):
        within(1.0, work)


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://user:secret@host:5000/path?token=secret", "http://host:5000/path"),
        ("postgresql://user:secret@db/mlflow", "postgresql://db/mlflow"),
        ("sqlite:////bank/data/tracking.db", "sqlite:////bank/data/tracking.db"),
    ],
)
def test_an_address_is_shown_without_secrets(uri: str, shown: str) -> None:
    assert shown_uri(uri) == shown
