"""The champion is found without MLflow, exactly where MLflow would say the same."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from training import approval, flow, registry
from training.alias_lookup import AliasTarget, look_up
from training.result import Fit, TrainingJob
from training.server import connect
from vipreco.errors import IntegrityError

MakeFit = Callable[..., Fit]
ADDRESS = "127.0.0.1"


@pytest.fixture
def two(job: TrainingJob, fit: MakeFit) -> TrainingJob:
    """Version 1 is champion, version 2 is challenger."""
    flow.run(job, fit("one"))
    flow.run(job, fit("two", map_at_7=0.9))
    return job


@pytest.fixture
def one(job: TrainingJob, fit: MakeFit, monkeypatch: pytest.MonkeyPatch) -> TrainingJob:
    """Version 1 is champion, and MLflow cannot be asked any more."""

    def fail(*_: object) -> None:
        raise AssertionError("MLflow was asked")

    flow.run(job, fit("one"))
    monkeypatch.setattr(registry, "use", fail)
    return job


def tables_of(job: TrainingJob) -> Path:
    return job.project.root / "data" / "tracking.db"


def test_the_champion_is_resolved_without_mlflow(one: TrainingJob) -> None:
    found = registry.resolve(one.project)
    assert (found.version, found.remembered) == ("1", False)
    assert found.folder.name == found.artifact_hash[:16]


def test_promotion_and_roll_back_are_seen_at_once(two: TrainingJob) -> None:
    first = look_up(two.project, "champion")
    approval.promote(two.project, "challenger")
    second = look_up(two.project, "champion")
    assert first is not None
    assert second is not None
    assert (first.version, second.version) == ("1", "2")
    assert registry.resolve(two.project).artifact_hash == second.artifact_hash
    approval.roll_back(two.project)
    assert look_up(two.project, "champion") == first


def test_an_alias_that_somebody_else_moved_is_seen(two: TrainingJob) -> None:
    """The pointer of this machine still says 1: MLflow is asked, and the pointer is written anew."""
    connect(two.project).set_registered_model_alias("vipreco", "champion", "2")
    assert registry.resolve(two.project).version == "2"
    pointer = json.loads((two.project.artifacts / "aliases.json").read_bytes())
    assert pointer["champion"]["version"] == "2"


def test_an_artifact_that_was_changed_is_refused(one: TrainingJob) -> None:
    (registry.resolve(one.project).folder / "booster.txt").write_text("another")
    with pytest.raises(IntegrityError):
        registry.resolve(one.project)


def test_who_cannot_say_it_says_nothing(two: TrainingJob, new_project: Any, tmp_path: Path) -> None:
    assert look_up(two.project, "no-alias") is None
    assert look_up(new_project(tmp_path / "other", "http://127.0.0.1:9"), "champion") is None
    with closing(sqlite3.connect(tables_of(two))) as connection:
        connection.execute("DELETE FROM model_version_tags WHERE key = 'artifact_hash'")
        connection.commit()
    assert look_up(two.project, "champion") is None
    tables_of(two).write_bytes(b"no database")
    assert look_up(two.project, "champion") is None
    tables_of(two).unlink()
    assert look_up(two.project, "champion") is None
    assert not tables_of(two).exists()


@contextmanager
def server(status: int, body: bytes) -> Iterator[tuple[str, list[str]]]:
    """Answer every GET with the same, and remember the paths."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    listening = HTTPServer((ADDRESS, 0), Handler)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    try:
        yield f"http://{ADDRESS}:{listening.server_port}", paths
    finally:
        listening.shutdown()
        listening.server_close()


VERSION = {"version": "7", "tags": [{"key": "artifact_hash", "value": "ab" * 32}, {"key": "x", "value": ""}]}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {"model_version": VERSION}, AliasTarget("7", "ab" * 32)),
        (200, {"model_version": {**VERSION, "tags": []}}, None),
        (200, {"error": "none"}, None),
        (401, {"model_version": VERSION}, None),
        (404, {"error_code": "RESOURCE_DOES_NOT_EXIST"}, None),
    ],
)
def test_an_mlflow_server_is_asked_by_its_interface(
    new_project: Any, tmp_path: Path, status: int, body: dict[str, Any], expected: AliasTarget | None
) -> None:
    with server(status, json.dumps(body).encode()) as (address, paths):
        assert look_up(new_project(tmp_path / "other", address), "champion") == expected
    assert paths == ["/api/2.0/mlflow/registered-models/alias?name=vipreco&alias=champion"]


def test_a_server_that_wants_a_password_is_left_to_mlflow(
    new_project: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "bank")
    with server(200, json.dumps({"model_version": VERSION}).encode()) as (address, paths):
        assert look_up(new_project(tmp_path / "other", address), "champion") is None
    assert paths == []
