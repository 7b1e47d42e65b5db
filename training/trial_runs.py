"""The trials of a search as MLflow runs below one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from training.server import connect, find_experiment, responsive
from vipreco.project import Project

if TYPE_CHECKING:
    import optuna
    from mlflow.tracking import MlflowClient

SEARCH_TAG: Final = "vipreco.search"
PARENT_TAG: Final = "mlflow.parentRunId"
STATUS: Final = {"COMPLETE": "FINISHED", "PRUNED": "KILLED"}


@dataclass(frozen=True)
class TrialRuns:
    """Logs a search to the tracking server, once, however often it is tried.

    Args:
        project: Whose server it is.
        name: Of the search.
    """

    project: Project
    name: str

    def log(self, study: optuna.Study, lines: Sequence[str]) -> str:
        """Log all ended trials below one run, and return its id.

        Args:
            study: The search.
            lines: Its report, which becomes the note of the run.

        Raises:
            DependencyDownError: The server does not answer.
        """
        client = connect(self.project)
        with responsive(self.project):
            experiment = find_experiment(client, self.project, self.project.settings.project.name)
            known = client.search_runs([experiment], f"tags.`{SEARCH_TAG}` = '{self.name}'")
            parent = next((run.info.run_id for run in known if PARENT_TAG not in run.data.tags), None)
            if parent is None:
                tags = {SEARCH_TAG: self.name, "mlflow.note.content": "\n".join(lines)}
                parent = client.create_run(experiment, tags=tags, run_name=f"tune {self.name}").info.run_id
            there = {run.info.run_name for run in known}
            for trial in study.trials:
                if trial.state.name in STATUS and _run_name(trial) not in there:
                    self._log_trial(client, experiment, str(parent), trial)
            client.set_terminated(str(parent))
        return str(parent)

    def _log_trial(
        self, client: MlflowClient, experiment: str, parent: str, trial: optuna.trial.FrozenTrial
    ) -> None:
        from mlflow.entities import Metric, Param  # noqa: PLC0415 - takes seconds

        tags = {SEARCH_TAG: self.name, PARENT_TAG: parent}
        run = client.create_run(experiment, tags=tags, run_name=_run_name(trial))
        moment = int((trial.datetime_complete or trial.datetime_start).timestamp() * 1000)  # type: ignore[union-attr]
        steps = [
            Metric("mean_so_far", value, moment, step) for step, value in trial.intermediate_values.items()
        ]
        whole = [] if trial.value is None else [Metric("objective", trial.value, moment, 0)]
        params = [Param(name, str(value)) for name, value in trial.params.items()]
        client.log_batch(run.info.run_id, metrics=[*steps, *whole], params=params)
        client.set_terminated(run.info.run_id, status=STATUS[trial.state.name], end_time=moment)


def _run_name(trial: optuna.trial.FrozenTrial) -> str:
    return f"trial {trial.number}"
