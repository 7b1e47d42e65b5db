"""Monitoring of a project: limits from a file, models of the registry, figures to MLflow."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Final

from training.deadline import Progress, within
from training.registry import list_versions, resolve
from training.server import PATIENCE_SECONDS, connect, find_experiment, responsive
from vipreco.errors import VipRecoError
from vipreco.monitoring import MonitoringResult, MonitoringSettings
from vipreco.project import Project, parse_toml
from vipreco.recommender import ModelInForce, Recommender

LIMITS: Final = Path("training") / "monitoring.toml"
EXPERIMENT: Final = "{model}-monitoring"


def read_limits(project: Project) -> MonitoringSettings:
    """Return the limits of a project; the defaults where it has no file.

    Raises:
        UsageError: The file is wrong; all findings are listed.
    """
    path = project.root / LIMITS
    return parse_toml(path, MonitoringSettings) if path.is_file() else MonitoringSettings()


def unseen_models(
    project: Project, champion: Recommender, in_force: ModelInForce
) -> Callable[[date], ModelInForce | None]:
    """Return what gives a model that learnt nothing after a date: the champion, else the newest such version.

    A version whose artifact or server is not there is passed over.
    """
    learnt: dict[str, tuple[date, ModelInForce] | None] = {}
    versions: list[str] = []

    def model_of(day: date) -> ModelInForce | None:
        if champion.learnt_until <= day:
            return in_force
        if not versions:
            versions.extend(_by_age(project))
        for version in versions:
            if version not in learnt:
                learnt[version] = _opened(project, version)
            found = learnt[version]
            if found is not None and found[0] <= day:
                return found[1]
        return None

    return model_of


def log_result(project: Project, result: MonitoringResult, page: str) -> None:
    """Log the figures of a result and its report as an MLflow run.

    Raises:
        DependencyDownError: The tracking server does not answer.
    """

    def log(progress: Progress) -> None:
        from mlflow.entities import Metric  # noqa: PLC0415 - takes seconds, and only this needs it

        client = connect(project)
        progress.step()
        name = EXPERIMENT.format(model=project.settings.project.model)
        place = find_experiment(client, project, name, progress.step)
        run = client.create_run(place, run_name=f"monitoring {result.day}", tags={"as_of": str(result.day)})
        now = int(time.time() * 1000)
        metrics = [Metric(key, value, now, 0) for key, value in metrics_of(result).items()]
        client.log_batch(run.info.run_id, metrics=metrics)
        client.log_text(run.info.run_id, page, "monitoring.html")
        client.set_terminated(run.info.run_id)

    with responsive(project):
        within(PATIENCE_SECONDS, log)


def metrics_of(result: MonitoringResult) -> dict[str, float]:
    """Return the figures of a result: findings by severity, the newest matured month, coverage."""
    found = {
        severity: float(sum(each.severity == severity for each in result.findings))
        for severity in ("alarm", "watch", "note")
    }
    matured = [facts for facts in result.facts if "all" in facts.matured]
    if matured:
        newest = matured[-1].matured["all"]
        found |= {"expected": newest.expected, "observed": newest.observed}
        found |= {"auc": matured[-1].ranking[0]} if matured[-1].ranking else {}
    rates = result.facts[-1].rates
    covered = rates.get("offer/customers with an offer")
    return found | ({"coverage": covered.share} if covered else {})


def _by_age(project: Project) -> list[str]:
    try:
        versions = list_versions(project)
    except VipRecoError:
        return []
    return [item.version for item in sorted(versions, key=lambda item: item.as_of_date, reverse=True)]


def _opened(project: Project, version: str) -> tuple[date, ModelInForce] | None:
    """Return until when a version learnt, and its name for other processes."""
    try:
        found = resolve(project, version)
        recommender = Recommender.load(found.folder, project.threads, checked=True)
    except VipRecoError:
        return None
    return recommender.learnt_until, ModelInForce.of(recommender, found.folder, found.artifact_hash)
