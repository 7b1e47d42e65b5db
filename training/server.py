"""Access to MLflow: a client with short time-outs, and one kind of error for every outage."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote, urlsplit

from vipreco.errors import DependencyDownError, VipRecoError
from vipreco.project import SQLITE, Project, sqlite_file

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

PATIENCE_SECONDS: Final = 10.0
LOCK_SECONDS: Final = 5.0
# Set before MLflow is imported; what a bank has set itself stays, but telemetry is never on.
ENVIRONMENT: Final = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "4",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "0",
    "MLFLOW_ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT": "60",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
LOCAL_REMEDY: Final = (
    "see that no other process holds it, that its folder can be written, and that the disk is not full; "
    "then run `vipreco sync`: everything is kept on this machine"
)
DEFAULT_EXPERIMENT: Final = "Default"
OUTAGES: Final = frozenset({"mlflow", "sqlalchemy", "sqlite3", "requests", "urllib3"})


def connect(project: Project) -> MlflowClient:
    """Return a client of the project's tracking store and registry.

    Raises:
        DependencyDownError: An SQLite store is locked by somebody else, or cannot be opened.
    """
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["DO_NOT_TRACK"] = "true"
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    uri = _plain_uri(project.tracking_uri)
    with responsive(project):
        _check_sqlite(uri)
        from mlflow.tracking import MlflowClient  # noqa: PLC0415 - takes seconds

        # Its stack traces would repeat what our own message says, and could quote what was logged.
        logging.getLogger("mlflow").setLevel(logging.CRITICAL)
        return MlflowClient(tracking_uri=uri, registry_uri=uri)


@contextmanager
def responsive(project: Project) -> Iterator[None]:
    """Turn whatever MLflow, its database or the network raise into one error.

    Raises:
        DependencyDownError: The server refuses, is down, hangs or is locked.
    """
    try:
        yield
    except VipRecoError:
        raise
    except Exception as error:
        if not _is_outage(error):
            raise
        raise down(project, error) from error


def down(project: Project, error: BaseException) -> DependencyDownError:
    """Return the error that says which server does not answer, and what to do."""
    cause = getattr(error, "error_code", "") or type(error).__name__
    remedy = "start it again, then run `vipreco sync`; everything is kept on this machine"
    if "out-of-date database schema" in str(error):
        remedy = "it was made by an older MLflow: back it up and run `mlflow db upgrade` on it"
    path = sqlite_file(project.tracking_uri)
    if path is not None:
        return _unusable(path, cause, remedy if "upgrade" in remedy else "")
    what = f"the tracking server does not answer as it should ({cause})"
    return DependencyDownError(what, where=shown_uri(project.tracking_uri), remedy=remedy, code="tracking")


def _unusable(path: Path, cause: str, remedy: str) -> DependencyDownError:
    """Return the error of a database that is a file of this machine: there is no server to start."""
    return DependencyDownError(
        f"the tracking database cannot be used now ({cause})",
        where=str(path),
        remedy=remedy or LOCAL_REMEDY,
        code="tracking",
    )


def shown_uri(uri: str) -> str:
    """Return a server's address without user name, password and query."""
    parts = urlsplit(uri)
    if not parts.hostname:
        return unquote(uri.partition("?")[0])
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"


def find_experiment(
    client: MlflowClient, project: Project, name: str, step: Callable[[], None] = lambda: None
) -> str:
    """Return the id of an experiment, made where it is not there yet.

    Args:
        client: Of the project's server.
        project: Whose runs keep their files where it says.
        name: Of the experiment.
        step: Called before each further request, so that work that hangs is told from work that is slow.
    """
    known = client.get_experiment_by_name(name)
    step()
    if known is not None:
        return str(known.experiment_id)
    _drop_empty_default(client, project, step)
    return str(client.create_experiment(name, artifact_location(project)))


def _drop_empty_default(client: MlflowClient, project: Project, step: Callable[[], None]) -> None:
    """Remove the experiment that MLflow makes in every new file; on a server it is somebody else's."""
    if sqlite_file(project.tracking_uri) is None:
        return
    default = client.get_experiment_by_name(DEFAULT_EXPERIMENT)
    step()
    if default is not None and not client.search_runs([default.experiment_id], max_results=1):
        client.delete_experiment(default.experiment_id)
    step()


def artifact_location(project: Project) -> str | None:
    """Return where runs keep their files: inside the project for SQLite, else as the server decides."""
    path = sqlite_file(project.tracking_uri)
    if path is None:
        return None
    folder = path.parent / "tracking-artifacts"
    return folder.absolute().as_uri() if set("?#%") & set(str(folder)) else str(folder)


def _plain_uri(uri: str) -> str:
    """Return the address of an SQLite file by its way from the current folder, if that needs no quoting.

    MLflow makes the folder of the file by the text of the address: quoted, that is a folder of another name.
    """
    path = sqlite_file(uri)
    if path is None or "%" not in uri:
        return uri
    relative = os.path.relpath(path)
    return SQLITE + relative if quote(relative) == relative else uri


def _check_sqlite(uri: str) -> None:
    """Wait a moment for a lock here, where it is ours to say how long."""
    path = sqlite_file(uri)
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        with closing(sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")


def _is_outage(error: BaseException) -> bool:
    roots = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    return bool(roots & OUTAGES) or isinstance(error, TimeoutError | ConnectionError)
