"""Tuning sees validation dates alone, goes on where it was stopped, and opens the newest date once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from tests.training.conftest import SNAPSHOT
from training.recipe import Recipe
from training.recipe_search import Budget, Search
from training.result import TrainingJob
from training.search_space import SearchSpace, read_search_space, with_settings
from training.trial_runs import SEARCH_TAG, TrialRuns
from training.tuned_recipe import write_recipe
from vipreco.backtest import OURS, RollingFold, ScoredCustomers
from vipreco.errors import UsageError
from vipreco.project import Project

RATE, SOURCE = "recommender.propensity.product.learning_rate", "recommender.source"
SOURCES = ["ease", "item-item-cosine"]
SPACE = SearchSpace.model_validate_json(
    json.dumps(
        {
            "folds": 2,
            "parameter": {
                RATE: {"low": 0.01, "high": 0.3, "log": True},
                SOURCE: {"choices": SOURCES},
            },
        }
    )
)
DAYS = [date(2025, month, 28) for month in range(1, 7)]


@dataclass
class FakeResult:
    value: float

    def summary(self) -> dict[str, float]:
        return {"map@7": self.value}

    @property
    def judged(self) -> ScoredCustomers:
        customers = 400
        truth = np.zeros((customers, 3), bool)
        truth[:, 0] = True
        ours = np.zeros((customers, 3))
        ours[:, 0] = self.value > 0.5
        ours[:, 1] = 0.5
        ids = np.array([f"{number:04}" for number in range(customers)], object)
        parts: dict[str, Any] = {
            "truth": truth,
            "listable": np.ones_like(truth),
            "held_before": np.zeros_like(truth),
            "tiers": np.array(["GOLD"] * customers, object),
            "customer_ids": ids,
        }
        return ScoredCustomers({OURS: ours}, **parts)


@dataclass
class FakeJudge:
    """The nearer the learning rate is to .1, the better; EASE is better by a tenth."""

    seen: list[date] = field(default_factory=list)
    killed_after: int = 1_000

    def __call__(self, recipe: Recipe, fold: RollingFold) -> FakeResult:
        if len(self.seen) >= self.killed_after:
            raise KeyboardInterrupt
        self.seen.append(fold.test)
        rate = recipe.recommender.propensity.product.learning_rate
        return FakeResult(0.5 - abs(np.log(rate / 0.1)) / 10 + 0.1 * (recipe.recommender.source == "ease"))


def fold(test: date) -> RollingFold:
    return RollingFold((DAYS[0],), test, 1, 0, tuple(DAYS))


@pytest.fixture
def base(project: Project) -> Recipe:
    folder = project.root / "training" / "recipes"
    folder.mkdir(parents=True)
    (folder / "plain.toml").write_text(
        '# why\nname = "plain"\n\n[recommender]\nsource = "item-item-cosine"  # 010\n'
    )
    return Recipe.model_validate_json('{"name": "plain", "recommender": {"source": "item-item-cosine"}}')


@pytest.fixture
def search(project: Project, base: Recipe) -> Callable[[FakeJudge], Search]:
    job = TrainingJob(project, base, (DAYS[0],), SNAPSHOT, Path())
    return lambda judge: Search(job, SPACE, [fold(DAYS[2]), fold(DAYS[3])], fold(DAYS[4]), judge)  # type: ignore[arg-type]


def test_the_best_settings_are_found_without_the_newest_date_and_written_as_a_recipe(
    search: Callable[[FakeJudge], Search], project: Project
) -> None:
    judge = FakeJudge()
    ours = search(judge)
    ours.run(Budget(5, trials=12))
    assert set(judge.seen) == {DAYS[2], DAYS[3]}
    assert ours.study.trials[0].params == {RATE: 0.05, SOURCE: "item-item-cosine"}  # the recipe as it is
    report = ours.open_newest()
    assert judge.seen[-2:] == [DAYS[4], DAYS[4]]
    assert judge.seen.count(DAYS[4]) == 2
    assert report.trials + report.pruned == 12
    assert report.settings[SOURCE] == "ease"
    assert report.best > report.former == pytest.approx(0.5 - np.log(2) / 10)
    assert report.opened_date == DAYS[4]
    assert (report.difference.low, report.difference.value) == (0.5, 0.5)  # first place against second
    assert report.recipe == project.root / "training" / "recipes" / f"{ours.name}.toml"
    text = report.recipe.read_text()
    assert text.startswith(f'# why\nname = "{ours.name}"')
    assert 'source = "ease"' in text
    assert "# 010" in text


def test_a_search_ends_when_the_newest_date_was_opened(search: Callable[[FakeJudge], Search]) -> None:
    ours = search(FakeJudge())
    ours.run(Budget(5, trials=1))
    report = ours.open_newest()
    assert report.recipe is None  # the only trial is the recipe as it is
    with pytest.raises(UsageError) as ended:
        search(FakeJudge()).run(Budget(5, trials=2))
    assert ended.value.code == "search-ended"
    assert report.opened_at in ended.value.what


def test_a_search_that_was_killed_while_the_newest_date_was_open_tries_nothing_more(
    search: Callable[[FakeJudge], Search],
) -> None:
    ours = search(FakeJudge())
    ours.run(Budget(5, trials=1))
    ours.judge = FakeJudge(killed_after=0)  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        ours.open_newest()
    again = search(FakeJudge())
    again.run(Budget(5, trials=9))
    assert len(again.study.trials) == 1
    assert again.open_newest().opened_at == ours.study.user_attrs["opened"]


def test_a_killed_search_goes_on_with_the_same_settings(search: Callable[[FakeJudge], Search]) -> None:
    killed = search(FakeJudge(killed_after=5))
    with pytest.raises(KeyboardInterrupt):
        killed.run(Budget(5, trials=6))
    killed.study.ask({RATE: FloatDistribution(0.01, 0.3, log=True), SOURCE: CategoricalDistribution(SOURCES)})
    asked = [trial.params for trial in killed.study.trials[2:]]
    again = search(FakeJudge())
    again.run(Budget(5, trials=6))
    assert [trial.params for trial in again.study.trials[4:6]] == asked
    states = [trial.state.name for trial in again.study.trials]
    assert states.count("FAIL") == 2
    assert len([state for state in states if state in {"COMPLETE", "PRUNED"}]) >= 6


def test_the_same_search_tries_the_same_settings(
    search: Callable[[FakeJudge], Search], project: Project
) -> None:
    ours = search(FakeJudge())
    ours.run(Budget(5, trials=4))
    first = [trial.params for trial in ours.study.trials]
    for path in (project.root / "data" / "tuning").iterdir():
        path.unlink()
    again = search(FakeJudge())
    again.run(Budget(5, trials=4))
    assert [trial.params for trial in again.study.trials] == first


def test_trials_are_runs_below_one_and_logged_once(
    search: Callable[[FakeJudge], Search], project: Project
) -> None:
    from training.server import connect

    ours = search(FakeJudge())
    ours.run(Budget(5, trials=2))
    parent = TrialRuns(project, ours.name).log(ours.study, ["a line"])
    assert TrialRuns(project, ours.name).log(ours.study, ["a line"]) == parent
    client = connect(project)
    experiment = client.get_experiment_by_name("test")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], f"tags.`{SEARCH_TAG}` = '{ours.name}'")
    below = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent]
    assert (len(runs), len(below)) == (3, 2)
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert all(run.data.params[SOURCE] in {"ease", "item-item-cosine"} for run in below)


@pytest.mark.parametrize(
    ("name", "value"),
    [("recommender.propensity.product.sheep", 1), (RATE, -1.0), (SOURCE, "magic"), ("no.section", 1)],
)
def test_a_setting_that_the_recipe_cannot_have_is_refused(base: Recipe, name: str, value: Any) -> None:
    with pytest.raises(UsageError) as refused:
        with_settings(base, {name: value})
    assert refused.value.code == "search-space"


@pytest.mark.parametrize(
    "given",
    ["low = 1", "choices = [1]\nlow = 1\nhigh = 2", "low = 2\nhigh = 1", ""],
)
def test_a_parameter_has_choices_or_both_ends(base: Recipe, tmp_path: Path, given: str) -> None:
    path = tmp_path / "space.toml"
    path.write_text(f'[parameter."{RATE}"]\n{given}\n')
    with pytest.raises(UsageError):
        read_search_space(path, base)


def test_the_search_space_of_a_project_fits_its_default_recipe() -> None:
    from training.recipe import read_recipe

    root = Path(__file__).parents[2] / "training"
    space = read_search_space(root / "search_space.toml", read_recipe(root / "recipes" / "default.toml"))
    assert len(space.parameter) >= 5


def test_a_written_recipe_keeps_comments_and_makes_missing_sections(tmp_path: Path) -> None:
    base = tmp_path / "plain.toml"
    base.write_text('name = "plain"  # as before\n')
    made = write_recipe(base, tmp_path / "plain-1.toml", {RATE: 0.1})
    assert made.read_text().splitlines()[0] == 'name = "plain-1"  # as before'
    assert "[recommender.propensity.product]\nlearning_rate = 0.1" in made.read_text()
