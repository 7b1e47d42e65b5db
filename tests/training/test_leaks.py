"""Training refuses a column of the bank that knows the label, and says which."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.shared import BuiltOnce
from tests.simulated_bank import imported_project
from training import leaks
from training.recipe import Recipe
from training.result import TrainingJob
from vipreco.assurance import LabelLeak
from vipreco.errors import InputRejectedError

LEAK = LabelLeak("ranks-alone", "customers.attribute_buys_next", "alone it ranks any acquisition")


@pytest.fixture
def job(new_job, project, monkeypatch: pytest.MonkeyPatch) -> TrainingJob:
    monkeypatch.setattr(leaks, "label_leaks", lambda _: [LEAK])
    return new_job(project)


def test_a_column_that_knows_the_label_is_refused_by_name(job: TrainingJob) -> None:
    with pytest.raises(InputRejectedError, match=r"attribute_buys_next: alone it ranks") as refused:
        leaks.check_label_leaks(job)
    assert refused.value.code == "label-leak"
    assert "docs/leaks.md#ranks-alone" in str(refused.value)


def test_what_is_accepted_is_told(job: TrainingJob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaks, "label_leaks", lambda _: [LabelLeak(LEAK.code, LEAK.column, LEAK.what, True)])
    (remark,) = leaks.check_label_leaks(job)
    assert remark.startswith("used knowingly: customers.attribute_buys_next")


def test_a_recipe_takes_over_what_the_command_accepts() -> None:
    recipe = Recipe.model_validate({"name": "plain", "leaks": {"accept": ("one",)}})
    assert recipe.accepting(["two"]).leaks.accept == ("one", "two")
    assert recipe.accepting([]) is recipe


def test_columns_that_the_models_do_not_see_are_not_judged() -> None:
    assert leaks._is_left_out("customers.attribute_x", ("attribute_x*",))
    assert not leaks._is_left_out("customers.attribute_x", ("attribute_x",))  # its change would be seen


def test_the_unbiased_sample_is_judged_too(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe.model_validate({"name": "plain", "data": {"rates_tables": "../sample"}})
    job = SimpleNamespace(recipe=recipe, as_of_dates=(), history=lambda: "own tables")
    monkeypatch.setattr(leaks, "open_sample", lambda _: "sample")
    monkeypatch.setattr(leaks, "_leaks_of", lambda _, panel: [LEAK] if panel == "sample" else [])
    (leak,) = leaks.label_leaks(job)
    assert (leak.column, leak.what) == (LEAK.column, "in ../sample alone it ranks any acquisition")


def test_a_simulated_bank_is_clean(built_once: BuiltOnce, new_job, tmp_path: Path) -> None:
    from vipreco.history import History
    from vipreco.project import Project
    from vipreco.tables import Tables

    shutil.copytree(imported_project(built_once), tmp_path / "bank")
    project = Project.find(tmp_path / "bank")
    dates = History.open(project.tables).snapshot_dates
    snapshot_id = Tables.open(project.tables).snapshot_id
    job = TrainingJob(project, new_job(project).recipe, tuple(dates[:-1]), snapshot_id, Path())
    assert leaks.label_leaks(job) == []
