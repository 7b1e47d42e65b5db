"""One training becomes one MLflow run and one registered version, once, however often it is tried."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from training.datasets import dataset_input
from training.deadline import Progress
from training.description import MODEL, describe
from training.result import Record
from training.server import find_experiment
from training.storage import CARD_FILE, PLOTS_FOLDER, RECORD_FILE, REPORT_FILE, Pending, Storage
from training.verdict import VERDICT_FILE, make_verdict
from vipreco.failpoints import reach
from vipreco.project import Project

if TYPE_CHECKING:
    from mlflow.entities import Metric, Run
    from mlflow.tracking import MlflowClient

ARTIFACT_FOLDER: Final = "artifact"
TRAINING_TAG: Final = "vipreco.training_id"
GATES_TAG: Final = "vipreco.gates"
VERDICT_TAG: Final = "vipreco.verdict"
VERDICT_HASH_TAG: Final = "vipreco.verdict_hash"
FOUR_EYES_TAG: Final = "vipreco.four_eyes"
COMPARED_TAG: Final = "vipreco.compared_with"
JUDGED_RUN_TAG: Final = "judged_run"
VERDICT: Final = "verdict"
NOTE_TAG: Final = "mlflow.note.content"
RUN_ONLY_FILES: Final = (RECORD_FILE, CARD_FILE, VERDICT_FILE, REPORT_FILE)
MAX_BATCH: Final = 900
BYTES_PER_SECOND: Final = 1_000_000.0  # a transfer slower than this counts as hanging


@dataclass(frozen=True)
class Tracker:
    """Logs trainings of one project; every step is repeatable after a kill."""

    client: MlflowClient
    project: Project
    storage: Storage
    progress: Progress

    def log(self, pending: Pending) -> str:
        """Return the id of the finished run of this training; a run that stands half done is closed."""
        for run in self._runs(pending.record):
            if run.info.status == "FINISHED":
                return str(run.info.run_id)
            self.client.set_terminated(run.info.run_id, status="KILLED")
        return self._log_anew(pending)

    def version_of(self, pending: Pending, run_id: str) -> str:
        """Return the registered version of this artifact; registers it when it is new.

        An equal artifact shares the version: its newest run has the verdict that counts.
        """
        record = pending.record
        name = self.project.settings.project.model
        for version in self.client.search_model_versions(f"name = '{name}'"):
            if version.tags.get("artifact_hash") == record.artifact_hash:
                number = str(version.version)
                self._judge_anew(name, number, record, run_id)
                return number
        self.progress.step()
        self._ensure_model(name)
        return self._register(name, record, run_id)

    def _register(self, name: str, record: Record, run_id: str) -> str:
        run = self.client.get_run(run_id)
        self.progress.step()
        source = f"{run.info.artifact_uri}/{ARTIFACT_FOLDER}"
        version = self.client.create_model_version(
            name,
            source,
            run_id,
            tags={**version_tags(record), VERDICT: make_verdict(record).decision},
            description=describe(record),
            await_creation_for=0,
        )
        reach("training.registered")
        return str(version.version)

    def _judge_anew(self, name: str, version: str, record: Record, run_id: str) -> None:
        """Let a version that was trained again say what was found this time."""
        tags = {JUDGED_RUN_TAG: run_id, VERDICT: make_verdict(record).decision}
        for tag, value in tags.items():
            self.progress.step()
            self.client.set_model_version_tag(name, version, tag, value)
        self.progress.step()
        self.client.update_model_version(name, version, description=describe(record))

    def _ensure_model(self, name: str) -> None:
        known = self.client.search_registered_models(f"name = '{name}'")
        self.progress.step()
        if not known:
            self.client.create_registered_model(name, description=MODEL)
        elif not known[0].description:
            self.client.update_registered_model(name, MODEL)
        self.progress.step()

    def _runs(self, record: Record) -> list[Run]:
        experiment = self._experiment()
        wanted = f"tags.`{TRAINING_TAG}` = '{record.training_id}'"
        found = self.client.search_runs([experiment], wanted)
        self.progress.step()
        return list(found)

    def _experiment(self) -> str:
        return find_experiment(
            self.client, self.project, self.project.settings.project.name, self.progress.step
        )

    def _log_anew(self, pending: Pending) -> str:
        record = pending.record
        run = self.client.create_run(
            self._experiment(), start_time=record.started_ms, tags=run_tags(record), run_name=run_name(record)
        )
        run_id = str(run.info.run_id)
        reach("training.run-created")
        self._log_numbers(run_id, record)
        if record.datasets:
            self.progress.step()
            self.client.log_inputs(run_id, [dataset_input(one) for one in record.datasets])
        reach("training.metrics-logged")
        self._log_files(run_id, pending)
        reach("training.files-logged")
        self.progress.step()
        self.client.set_terminated(run_id, status="FINISHED", end_time=record.ended_ms)
        reach("training.run-finished")
        return run_id

    def _log_numbers(self, run_id: str, record: Record) -> None:
        from mlflow.entities import Param  # noqa: PLC0415 - takes seconds

        params = [Param(name, str(value)) for name, value in record.parameters.items()]
        for start in range(0, len(params), 100):
            self.progress.step()
            self.client.log_batch(run_id, params=params[start : start + 100])
        metrics = list(metrics_of(record))
        for start in range(0, len(metrics), MAX_BATCH):
            self.progress.step()
            self.client.log_batch(run_id, metrics=metrics[start : start + MAX_BATCH])

    def _log_files(self, run_id: str, pending: Pending) -> None:
        """Upload file by file, so that a server that hangs is told from one that is busy."""
        for path in (pending.folder / name for name in RUN_ONLY_FILES):
            if path.exists():  # what waited since before there were such files has none
                self._upload(run_id, path, "training")
        for path in sorted((pending.folder / PLOTS_FOLDER).iterdir()):
            self._upload(run_id, path, PLOTS_FOLDER)
        artifact = self.storage.artifact(pending.record.artifact_hash)
        for path in sorted(path for path in artifact.rglob("*") if path.is_file()):
            below = path.parent.relative_to(artifact).as_posix()
            self._upload(run_id, path, ARTIFACT_FOLDER if below == "." else f"{ARTIFACT_FOLDER}/{below}")

    def _upload(self, run_id: str, path: Path, folder: str) -> None:
        self.progress.step(extra=path.stat().st_size / BYTES_PER_SECOND)
        self.client.log_artifact(run_id, str(path), folder)


def run_name(record: Record) -> str:
    """Return the name of the run that a person sees."""
    return f"{record.recipe} as of {record.as_of_date or 'unknown'}"


def run_tags(record: Record) -> dict[str, str]:
    """Return the tags of the run: what it was made from, and the gates it must pass."""
    gates = json.dumps([gate.model_dump(mode="json", exclude_defaults=True) for gate in record.gates])
    verdict = make_verdict(record)
    return {
        TRAINING_TAG: record.training_id,
        GATES_TAG: gates,
        FOUR_EYES_TAG: str(record.four_eyes).lower(),
        VERDICT_TAG: verdict.decision,
        VERDICT_HASH_TAG: verdict.hash,
        COMPARED_TAG: record.compared_with.artifact_hash if record.compared_with else "",
        NOTE_TAG: describe(record),
        "mlflow.user": record.trained_by,
        **{f"vipreco.{name}": value for name, value in version_tags(record).items()},
    }


def version_tags(record: Record) -> dict[str, str]:
    """Return the tags of the version: enough to find, verify and explain the artifact."""
    return {
        "artifact_hash": record.artifact_hash,
        "snapshot_id": record.snapshot_id,
        "feature_fingerprint": record.feature_fingerprint,
        "as_of_date": record.as_of_date,
        "recipe": record.recipe,
        "trained_by": record.trained_by,
    }


def metrics_of(record: Record) -> Iterator[Metric]:
    """Yield summary metrics under their names, fold metrics under `fold/` with the fold as step."""
    from mlflow.entities import Metric  # noqa: PLC0415 - takes seconds

    for step, metrics in enumerate(record.metrics_by_fold):
        for name, value in metrics.items():
            if value is not None:
                yield Metric(f"fold/{name}", value, record.ended_ms, step)
    for name, value in record.summary_metrics.items():
        if value is not None:
            yield Metric(name, value, record.ended_ms, 0)


def now_ms() -> int:
    """Return the moment as tracking servers count it."""
    return time.time_ns() // 1_000_000
