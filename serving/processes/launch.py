"""All that `vipreco serve` does: store, logins of the demo, release, workers, watch over the registry."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from serving.auth import demo_accounts
from serving.http import metrics
from serving.processes.audit_shipper import SHIPPER
from serving.processes.release_watcher import releases_of
from serving.processes.sidecar import Sidecar
from serving.processes.supervisor import Supervisor, listen, worker_command
from serving.processes.worker_resources import SETTINGS
from vipreco.errors import UsageError, VipRecoError
from vipreco.new_project import reference_folder
from vipreco.online import Releases, sync_books
from vipreco.project import Project
from vipreco.settings import ServingSettings
from vipreco.store import Database, Store, upgrade

SERVICE = "serving.service:VipReco"
# Modules of the sidecars, with the pause before another start.
SIDECARS = {"serving.processes.audit_shipper": 1.0, "serving.processes.champion_watcher": 60.0}
Say = Callable[[str], None]


def run(project: Project, settings: ServingSettings, say: Say, *, behind_proxy: bool = False) -> None:
    """Run the service of a project until it is told to stop.

    Args:
        project: Whose tables and champion.
        settings: Address, port and number of workers.
        say: Shows a line.
        behind_proxy: Whether an address that others reach is allowed.

    Raises:
        UsageError: The address is open, the port is taken, there is no champion, or a secret can be read.
        VipRecoError: No worker begins to answer; what they said of it.
    """
    os.umask(0o077)
    if settings.oidc is not None:
        from serving.auth.oidc import read_secret  # noqa: PLC0415  what stands behind it is loaded for it alone

        read_secret(
            settings.oidc, project.root
        )  # here it is told once; in a worker it would be told for ever
    listening = listen(settings.host, settings.port, behind_proxy)
    try:
        ready(project, say)
        host, port = listening.getsockname()[:2]
        say(f"http://{host}:{port}")
        with tempfile.TemporaryDirectory(prefix="vipreco-metrics-") as folder:
            environment(project, settings, Path(folder))
            releases = releases_of(project.root)
            beside = [Sidecar(module, project.root, pause) for module, pause in SIDECARS.items()]
            supervisor = Supervisor(
                worker_command(SERVICE),
                listening,
                project.root,
                settings.workers,
                on_crashes=lambda: _back(releases, say),
                beside=lambda: _look(beside),
            )
            try:
                supervisor.run()
            finally:
                for companion in beside:
                    companion.end()
    finally:
        listening.close()


def ready(project: Project, say: Say) -> None:
    """Bring the store up to date, fill it for a demo, and prepare what was never prepared.

    Raises:
        VipRecoError: One of these cannot be done.
    """
    database = Database(project.store_url)
    there = database.path is None or database.path.exists()
    if there:
        upgrade(database)  # it reads the whole file
    with Store.open(project.store_url, checked=there) as store:
        if releases_of(project.root).pointer() is None:
            say("Preparing the answers ...")
            prepare(project)
        sync_books(store, releases_of(project.root).current())
        if demo_accounts.is_demo(project):
            for line in demo_accounts.logins(project, store):
                say(line)


def prepare(project: Project) -> None:
    """Prepare all answers in a process of its own, so that this one stays small.

    Raises:
        UsageError: It did not succeed; its own words were shown.
    """
    command = [sys.executable, "-m", "vipreco.cli", "prepare"]
    finished = subprocess.run(command, cwd=project.root, check=False)  # noqa: S603 - our own command
    if finished.returncode != 0:
        raise UsageError(
            "the answers could not be prepared",
            where=str(project.root),
            remedy="see above; `vipreco prepare` shows it again",
            code="not-prepared",
        )


def environment(project: Project, settings: ServingSettings, folder: Path) -> None:
    """Set what the workers inherit: settings of this run, one folder for their numbers, no telemetry."""
    paths = [str(project.root), str(reference_folder()), os.environ.get("PYTHONPATH", "")]
    os.environ.update(
        {
            metrics.FOLDER: str(folder),
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
            SETTINGS: settings.model_dump_json(),
            SHIPPER: "1",
            "BENTOML_DO_NOT_TRACK": "True",
            "DO_NOT_TRACK": "1",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "OMP_WAIT_POLICY": "PASSIVE",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "POLARS_MAX_THREADS": "1",
        }
    )


def _back(releases: Releases, say: Say) -> None:
    """Go back to the release before: workers died of what they serve."""
    try:
        releases.roll_back()
        say("Workers died again and again: the release before is in force.")
    except VipRecoError as error:
        say(f"Workers died again and again: {error.what}")


def _look(beside: Sequence[Sidecar]) -> None:
    for companion in beside:
        companion.look()
