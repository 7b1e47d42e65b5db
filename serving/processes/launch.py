"""Launches a service: checks, store, demo accounts, first release, then the supervisor with all processes.

`vipreco serve` and `bentoml serve serving.service:VipReco` both come here.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

from serving.auth import demo_accounts
from serving.http.app_state import releases_of
from serving.processes.audit_shipper import ship, spool_of
from serving.processes.environment import set_environment
from serving.processes.supervisor import Supervisor, listen, worker_command
from vipreco.errors import UsageError, VipRecoError
from vipreco.online import Releases, sync_books
from vipreco.project import Project
from vipreco.scratch_folder import scratch_folder
from vipreco.settings import ServingSettings
from vipreco.store import Database, Store, upgrade

SERVICE = "serving.service:VipReco"
# Modules of the sidecars, with the seconds before another start.
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
        VipRecoError: No worker begins to answer; with the reason that they reported.
    """
    os.umask(0o077)
    if settings.oidc is not None:
        from serving.auth.oidc import read_secret  # noqa: PLC0415 - loads authlib, which few projects need

        read_secret(settings.oidc, project.root)  # fails here once instead of in each worker
    listening = listen(settings.host, settings.port, behind_proxy)
    try:
        make_ready(project, say)
        host, port = listening.getsockname()[:2]
        say(f"http://{host}:{port}")
        with scratch_folder("metrics") as folder:
            set_environment(project, settings, folder)
            releases = releases_of(project.root)
            Supervisor(
                worker_command(SERVICE),
                listening,
                project.root,
                settings.workers,
                SIDECARS,
                on_crashes=lambda: _roll_back(releases, say),
            ).run()
        _ship_rest(project)
    finally:
        listening.close()


def make_ready(project: Project, say: Say) -> None:
    """Bring the store up to date, make the accounts of a demo, and prepare the first release.

    Raises:
        VipRecoError: One of these cannot be done.
    """
    database = Database(project.store_url)
    exists = database.path is None or database.path.exists()
    if exists:
        upgrade(database)  # it reads the whole file
    with Store.open(project.store_url, checked=exists) as store:
        if releases_of(project.root).pointer() is None:
            say("Preparing the answers ...")
            prepare(project)
        sync_books(store, releases_of(project.root).current())
        if demo_accounts.is_demo(project):
            for line in demo_accounts.logins(project, store):
                say(line)


def prepare(project: Project) -> None:
    """Prepare a release in a process of its own, so that this one stays small.

    Raises:
        UsageError: It failed; its own message was shown.
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


def _roll_back(releases: Releases, say: Say) -> None:
    """Go back to the release before: workers died of what they serve."""
    try:
        releases.roll_back()
        say("Workers died again and again: the release before is in force.")
    except VipRecoError as error:
        say(f"Workers died again and again: {error.what}")


def _ship_rest(project: Project) -> None:
    """Ship what the workers wrote while they finished; if the store is away, it waits for the next start."""
    try:
        with Store.open(project.store_url, checked=True) as store:
            ship(spool_of(project), store)
    except VipRecoError:
        return
