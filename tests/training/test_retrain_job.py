"""Retraining: every stage in order, one at a time, and killed anywhere it leaves the champion as it was."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.processes import ended, started
from tests.training.killed import retrain as retrain_there
from training import flow, registry, retrain_job
from training.result import Fit, TrainingJob
from training.retrain_job import Plan, retrain
from training.server import connect
from training.storage import Storage
from vipreco.artifact import verify
from vipreco.errors import BusyError, DependencyDownError, InputRejectedError, IntegrityError
from vipreco.project import Project

MakeFit = Callable[..., Fit]
MakeJob = Callable[..., TrainingJob]


@pytest.fixture
def plain(project: Project, new_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose tables are sound, without having any: stages that read them have tests of their own."""

    def prepare(project: Project, recipe: Any, say: Any, until: Any) -> TrainingJob:
        del recipe, until
        return flow.replace(new_job(project), champion=flow._champion_of(project, say), say=say)

    monkeypatch.setattr(retrain_job, "validate", lambda *_: [])
    monkeypatch.setattr(retrain_job, "prepare", prepare)
    monkeypatch.setattr(retrain_job, "prove_time", lambda _: None)
    (project.root / "training" / "recipes").mkdir(parents=True)
    (project.root / "training" / "recipes" / "default.toml").write_text('name = "default"\n')
    return project


def last(project: Project) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project.root / "data" / "retrain" / "last.json").read_bytes())
    return found


def nothing() -> list[str]:
    return []


def test_a_challenger_is_registered_with_its_verdict_and_the_champion_stays(
    plain: Project, fit: MakeFit
) -> None:
    flow.run(flow.replace(retrain_job.prepare(plain, None, print, None)), fit("one"))
    done = retrain(plain, Plan(fit("two", map_at_7=0.81), nothing))
    assert (done.outcome, done.exit_code) == ("passed", 0)
    assert registry.resolve(plain).version == "1"
    told = last(plain)
    assert (told["outcome"], told["exit_code"]) == ("passed", 0)
    assert (told["version"], told["champion"]) == ("2", False)
    verdict = json.loads((plain.root / told["folder"] / "verdict.json").read_bytes())
    assert (verdict["decision"], done.verdict.hash) == ("passed", told["verdict_hash"])
    assert list(done.seconds) == [
        "send what waits",
        "import from the store",
        "validate",
        "prepare",
        "look for leaks, fit, judge",
        "register",
    ]


def test_a_worse_challenger_is_kept_back_with_an_exit_code_of_its_own(plain: Project, fit: MakeFit) -> None:
    assert retrain(plain, Plan(fit("one"), nothing)).exit_code == 0
    done = retrain(plain, Plan(fit("two", map_at_7=0.5), nothing, promote=True))
    assert (done.outcome, done.exit_code) == ("refused", 4)
    assert registry.resolve(plain).version == "1"


def test_quarantined_rows_of_the_store_need_a_person_although_the_verdict_passes(
    plain: Project, fit: MakeFit
) -> None:
    done = retrain(plain, Plan(fit("one"), lambda: ["rows of the store were quarantined"]))
    assert (done.outcome, done.exit_code) == ("passed", 4)
    assert last(plain)["warnings"] == ["rows of the store were quarantined"]


def test_the_champion_that_comes_out_again_changes_nothing(plain: Project, fit: MakeFit) -> None:
    retrain(plain, Plan(fit("one"), nothing))
    done = retrain(plain, Plan(fit("one"), nothing))
    assert (done.outcome, done.exit_code) == ("unchanged", 0)
    assert len(registry.list_versions(plain)) == 1


def test_two_retrainings_do_not_run_at_once(plain: Project, fit: MakeFit) -> None:
    with Storage(plain.artifacts).retraining(), pytest.raises(BusyError, match="another `vipreco retrain`"):
        retrain(plain, Plan(fit(), nothing))


def test_tables_with_errors_are_not_learnt_from_unless_told(
    plain: Project, fit: MakeFit, monkeypatch: pytest.MonkeyPatch
) -> None:
    finding = SimpleNamespace(severity="error", table="holdings", what="wrong", code="x", rows=3)
    monkeypatch.setattr(retrain_job, "validate", lambda *_: [finding])
    with pytest.raises(InputRejectedError) as caught:
        retrain(plain, Plan(fit(), nothing))
    assert caught.value.examples == ("holdings: wrong (x, 3 rows)",)
    told = last(plain)
    assert (told["outcome"], told["exit_code"], told["stage"]) == ("failed", 3, "validate")
    assert retrain(plain, Plan(fit(), nothing, accept_findings=True)).outcome == "passed"


def test_a_leak_of_the_future_keeps_nothing(
    plain: Project, fit: MakeFit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leaks(_: TrainingJob) -> None:
        raise IntegrityError("what became known later reaches a feature", code="leak")

    monkeypatch.setattr(retrain_job, "prove_time", leaks)
    with pytest.raises(IntegrityError):
        retrain(plain, Plan(fit(), nothing))
    assert (last(plain)["exit_code"], registry.list_versions(plain)) == (6, [])
    assert Storage(plain.artifacts).pending() == []


def test_a_server_that_is_down_is_told_by_the_exit_code_and_the_next_run_sends_what_waits(
    plain: Project, fit: MakeFit, new_project: Any
) -> None:
    """F20."""
    down = new_project(plain.root, "http://127.0.0.1:9")
    with pytest.raises(DependencyDownError):
        retrain(down, Plan(fit("one"), nothing))
    told = last(plain)
    assert (told["exit_code"], told["stage"]) == (8, "register")
    assert (plain.root / told["folder"] / "verdict.json").exists()
    back = new_project(plain.root)
    done = retrain(back, Plan(fit("one"), nothing))
    assert (done.outcome, len(registry.list_versions(back))) == ("unchanged", 1)


POINTS = [
    "retrain.locked",
    "retrain.imported",
    "retrain.validated",
    "retrain.prepared",
    "retrain.fitted",
    "training.files-logged",
    "training.registered",
    "training.before-champion",
    "retrain.registered",
]


@pytest.mark.long
@pytest.mark.parametrize("point", POINTS)
def test_killed_anywhere_the_champion_stays_and_a_clean_run_gives_the_same_artifact(
    plain: Project, fit: MakeFit, point: str
) -> None:
    """F03."""
    retrain(plain, Plan(fit("one"), nothing))
    assert ended(started(retrain_there, plain.root, f"{point}:kill")) == -signal.SIGKILL
    after = registry.resolve(plain).version
    assert after == ("2" if point == "retrain.registered" else "1")
    for version in registry.list_versions(plain):
        run = connect(plain).get_run(version.run_id)
        assert run.info.status == "FINISHED"
        verify(Path(run.info.artifact_uri) / "artifact", version.artifact_hash)
    done = retrain(plain, Plan(fit("two", map_at_7=0.9), nothing, promote=True))
    assert done.published is not None
    assert (done.published.version, done.published.champion) == ("2", True)
    assert len(registry.list_versions(plain)) == 2
    assert Storage(plain.artifacts).pending() == []
