from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.processes import ended, started
from tests.training.killed import train
from training import approval, flow, registry, server, tracker
from training.deadline import THREAD
from training.result import Fit, TrainingJob
from training.server import connect
from training.storage import Storage
from vipreco.artifact import verify
from vipreco.errors import BusyError, DependencyDownError, IntegrityError, UsageError
from vipreco.project import Project

MakeFit = Callable[..., Fit]
MakeJob = Callable[..., TrainingJob]


def waiting(project: Project) -> list[str]:
    return [item.record.training_id for item in Storage(project.artifacts).pending()]


def runs(project: Project) -> list[Any]:
    client = connect(project)
    experiment = client.get_experiment_by_name("test")
    return [] if experiment is None else list(client.search_runs([experiment.experiment_id]))


def test_the_first_version_becomes_champion_and_nothing_waits(job: TrainingJob, fit: MakeFit) -> None:
    done = flow.run(job, fit())
    assert (done.version, done.champion, done.refusals) == ("1", True, [])
    assert str(done).startswith("version 1 is champion")
    assert waiting(job.project) == []
    resolved = registry.resolve(job.project)
    assert resolved.folder == job.project.artifacts / done.record.artifact_hash[:16]
    assert verify(resolved.folder).artifact_hash == done.record.artifact_hash


def test_one_run_has_parameters_fingerprints_metrics_by_fold_plots_card_and_artifact(
    job: TrainingJob, fit: MakeFit
) -> None:
    done = flow.run(job, fit())
    client = connect(job.project)
    (run,) = runs(job.project)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"rounds": "200", "source": "ease"}
    assert run.data.tags["vipreco.snapshot_id"] == "00112233"
    assert run.data.tags["vipreco.feature_fingerprint"] == "aabb"
    assert run.data.metrics["map_at_7"] == 0.80
    folds = client.get_metric_history(run.info.run_id, "fold/map_at_7")
    assert [(item.step, item.value) for item in folds] == [(0, 0.5), (1, 0.25)]
    uri = Path(run.info.artifact_uri)
    assert uri.is_relative_to(job.project.root / "data")
    assert sorted(path.relative_to(uri).as_posix() for path in uri.rglob("*") if path.is_file()) == [
        "artifact/booster.txt",
        "artifact/features/holdings.sql",
        "artifact/golden/scores.npy",
        "artifact/golden/values.npy",
        "artifact/manifest.json",
        "plots/calibration.png",
        "training/model_card.md",
        "training/record.json",
        "training/report.html",
        "training/verdict.json",
    ]
    assert "| popularity | 0.5671 |" in (uri / "training" / "model_card.md").read_text()
    assert verify(uri / "artifact", done.record.artifact_hash)


def test_a_second_version_is_challenger_until_told_otherwise(job: TrainingJob, fit: MakeFit) -> None:
    flow.run(job, fit("one"))
    second = flow.run(job, fit("two", map_at_7=0.9))
    assert (second.version, second.champion) == ("2", False)
    assert [(v.version, v.aliases) for v in registry.list_versions(job.project)] == [
        ("2", ("challenger",)),
        ("1", ("champion",)),
    ]
    third = flow.run(job, fit("three", map_at_7=0.895), promote=True)
    assert third.champion
    assert [(v.version, v.aliases) for v in registry.list_versions(job.project)] == [
        ("3", ("champion",)),
        ("2", ("challenger",)),
        ("1", ("previous",)),
    ]


@pytest.mark.parametrize(
    ("metrics", "sentence"),
    [
        ({"map_at_7": 0.78}, "map_at_7 is 0.78, the champion has 0.8; allowed is to be worse by 0.01"),
        ({"auc": 0.5, "calibration_slope": float("nan")}, "auc is 0.5, needed is at least 0.6"),
    ],
)
def test_a_model_that_fails_a_gate_is_registered_but_not_promoted(
    job: TrainingJob, fit: MakeFit, metrics: dict[str, float], sentence: str
) -> None:
    """B106: worse than the champion, constant, miscalibrated, unmeasured; with both numbers."""
    flow.run(job, fit("one"))
    second = flow.run(job, fit("two", **metrics), promote=True)
    assert not second.champion
    assert sentence in second.refusals
    with pytest.raises(UsageError) as caught:
        approval.promote(job.project, second.version)
    assert sentence in caught.value.examples
    assert registry.resolve(job.project).version == "1"


def test_a_first_version_that_fails_a_gate_does_not_become_champion(job: TrainingJob, fit: MakeFit) -> None:
    assert not flow.run(job, fit(auc=0.5)).champion
    with pytest.raises(UsageError, match="no version champion"):
        registry.resolve(job.project)


def test_the_champion_is_compared_on_the_same_folds_when_it_was_replayed_there(
    job: TrainingJob, fit: MakeFit
) -> None:
    flow.run(job, fit("one"))
    replayed = {"map_at_7": 0.70, "auc": 0.9, "calibration_slope": 1.0}
    assert flow.run(job, fit("two", champion=replayed, map_at_7=0.75), promote=True).champion


def test_an_equal_artifact_shares_the_version_and_has_a_run_of_its_own(
    job: TrainingJob, fit: MakeFit
) -> None:
    assert flow.run(job, fit("one")).version == "1"
    assert flow.run(job, fit("one")).version == "1"
    assert len(runs(job.project)) == 2
    assert len(registry.list_versions(job.project)) == 1


def test_an_artifact_of_other_tables_than_the_training_is_refused(job: TrainingJob, fit: MakeFit) -> None:
    other = TrainingJob(job.project, job.recipe, job.as_of_dates, "another", job.artifact_folder)
    with pytest.raises(IntegrityError, match="names tables 00112233"):
        flow.run(other, fit())
    assert waiting(job.project) == []


def test_a_fit_that_fails_leaves_nothing_behind(job: TrainingJob) -> None:
    def fail(job: TrainingJob) -> Any:
        (job.artifact_folder.parent / "half.txt").write_text("half")
        raise RuntimeError("in the fit")

    with pytest.raises(RuntimeError, match="in the fit"):
        flow.run(job, fail)
    assert list(job.project.artifacts.iterdir()) == []


def sync_elsewhere(project: Project) -> flow.Published:
    """The server is back: the same project with a store that answers."""
    (published,) = flow.sync(project).published
    assert waiting(project) == []
    return published


@pytest.mark.parametrize(("kind", "cause"), [("hangs", TimeoutError), ("refuses", DependencyDownError)])
def test_a_server_that_is_down_is_given_up_and_loses_nothing(
    kind: str,
    cause: type[Exception],
    project: Project,
    black_hole: str,
    fit: MakeFit,
    new_project: Any,
    new_job: MakeJob,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """F20: results are kept here, exit code 8, and `sync` brings them later, once.

    `make bench-speed` measures that it takes 15 seconds at most.
    """
    uri = black_hole if kind == "hangs" else "http://user:secret@127.0.0.1:9"
    down = new_project(project.root, uri)
    with monkeypatch.context() as short:
        if kind == "hangs":
            short.setattr(flow, "PATIENCE_SECONDS", 2.0)
        with pytest.raises(DependencyDownError, match="vipreco sync") as caught:
            flow.run(new_job(down), fit())
    assert isinstance(caught.value.__cause__, cause)
    assert caught.value.exit_code == 8
    assert "secret" not in str(caught.value)
    assert len(waiting(down)) == 1
    published = sync_elsewhere(new_project(project.root))
    assert published.champion
    (run,) = runs(project)
    assert run.data.metrics["map_at_7"] == 0.80
    assert flow.sync(project).published == ()


def test_a_locked_database_is_given_up_and_costs_no_metric(
    job: TrainingJob, fit: MakeFit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F21; `make bench-speed` measures how long the usual patience takes."""
    monkeypatch.setattr(server, "LOCK_SECONDS", 0.5)
    path = job.project.root / "data" / "tracking.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as locker:
        locker.execute("BEGIN EXCLUSIVE")
        with pytest.raises(DependencyDownError):
            flow.run(job, fit())
        assert len(waiting(job.project)) == 1
    sync_elsewhere(job.project)
    (run,) = runs(job.project)
    folds = connect(job.project).get_metric_history(run.info.run_id, "fold/map_at_7")
    assert [item.value for item in folds] == [0.5, 0.25]


def test_a_database_that_gets_locked_in_the_middle_is_given_up_and_finished_later(
    job: TrainingJob, fit: MakeFit, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = job.project.root / "data" / "tracking.db"
    locker = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def lock(name: str) -> None:
        if name == "training.run-created":
            locker.execute("BEGIN EXCLUSIVE")

    monkeypatch.setattr(tracker, "reach", lock)
    monkeypatch.setattr(flow, "PATIENCE_SECONDS", 2.0)
    with pytest.raises(DependencyDownError):
        flow.run(job, fit())
    monkeypatch.undo()
    locker.close()
    for thread in threading.enumerate():  # what was given up ends at its next step
        if thread.name == THREAD:
            thread.join(60)
    published = sync_elsewhere(job.project)
    assert published.champion
    assert [run.info.status for run in runs(job.project)].count("FINISHED") == 1


POINTS = [
    "training.kept",
    "training.run-created",
    "training.metrics-logged",
    "training.files-logged",
    "training.run-finished",
    "training.registered",
    "training.before-champion",
]


def check_after_a_crash(project: Project, point: str) -> None:
    """The champion is the old one, every visible version is whole; a sync completes it, once."""
    assert registry.resolve(project).version == "1"
    for version in registry.list_versions(project):
        run = connect(project).get_run(version.run_id)
        assert run.info.status == "FINISHED"
        verify(Path(run.info.artifact_uri) / "artifact", version.artifact_hash)
    (published,) = flow.sync(project).published
    assert (published.version, published.champion) == ("2", True)
    statuses = sorted(run.info.status for run in runs(project))
    half = point in {"training.run-created", "training.metrics-logged", "training.files-logged"}
    assert statuses == ["FINISHED", "FINISHED"] + (["KILLED"] if half else [])
    assert len(registry.list_versions(project)) == 2
    assert flow.sync(project).published == ()


@pytest.mark.parametrize("point", POINTS[1::2])
def test_a_crash_at_any_point_leaves_the_champion_and_is_completed_by_sync(
    job: TrainingJob, fit: MakeFit, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """F03, by an exception."""
    flow.run(job, fit("one"))
    monkeypatch.setenv("VIPRECO_FAILPOINT", f"{point}:raise")
    with pytest.raises(RuntimeError, match=point):
        flow.run(job, fit("two", map_at_7=0.9), promote=True)
    monkeypatch.delenv("VIPRECO_FAILPOINT")
    check_after_a_crash(job.project, point)


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_any_point_leaves_the_champion_and_is_completed_by_sync(
    job: TrainingJob, fit: MakeFit, point: str
) -> None:
    """F03, by the operating system."""
    flow.run(job, fit("one"))
    assert ended(started(train, job.project.root, f"{point}:kill")) == -signal.SIGKILL
    check_after_a_crash(job.project, point)


def test_two_processes_do_not_write_to_the_registry_at_once(job: TrainingJob, fit: MakeFit) -> None:
    with Storage(job.project.artifacts).exclusive(), pytest.raises(BusyError):
        flow.run(job, fit())
    assert len(waiting(job.project)) == 1
    sync_elsewhere(job.project)


@pytest.mark.parametrize("value", [[1, 2], "x" * 501, None])
def test_parameters_are_short_values_and_nothing_else(job: TrainingJob, fit: MakeFit, value: Any) -> None:
    def with_parameter(job: TrainingJob) -> Any:
        result = fit()(job)
        return type(result)(**{**result.__dict__, "parameters": {"bad": value}})

    with pytest.raises(ValueError, match="parameter bad"):
        flow.run(job, with_parameter)


def test_telemetry_is_off_and_no_path_or_user_of_the_machine_gets_into_the_record(
    job: TrainingJob, fit: MakeFit
) -> None:
    done = flow.run(job, fit())
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert str(job.project.root) not in json.dumps(done.record.model_dump(mode="json"))


@pytest.mark.slow
def test_a_real_tracking_server_takes_a_training_and_gives_the_artifact_back(
    tmp_path: Path, fit: MakeFit, new_project: Any, new_job: MakeJob, ready_database: Path
) -> None:
    import shutil
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shutil.copy(ready_database, tmp_path / "server.db")
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{tmp_path}/server.db", "--workers", "1"]
    command += ["--artifacts-destination", str(tmp_path / "files")]
    log = (tmp_path / "log").open("w")
    server = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        wait_until_open(port)
        project = new_project(tmp_path / "bank", f"http://127.0.0.1:{port}")
        done = flow.run(new_job(project), fit())
        assert done.champion
        for path in project.artifacts.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
        resolved = registry.resolve(project)
        assert verify(resolved.folder, done.record.artifact_hash)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)
        log.close()


def wait_until_open(port: int) -> None:
    import urllib.request

    for _ in range(120):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2)
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise TimeoutError


def test_a_full_disk_below_the_tracking_database_is_called_a_full_disk(tmp_path: Path) -> None:
    """F06: exit 7, and that the training waits; other outages stay 8."""
    for cause, code in (("(sqlite3.OperationalError) database or disk is full", 7), ("locked", 8)):
        outage = DependencyDownError("the tracking database cannot be used now", remedy="see")
        outage.__cause__ = RuntimeError(cause)
        kept = flow._kept(outage, Storage(tmp_path))
        assert kept.exit_code == code
        assert "0 training(s) wait" in kept.what
        assert ("free space, then run `vipreco sync`" in kept.remedy) == (code == 7)
