"""The version behind an alias of the registry, read without MLflow, whose import takes 4 s of CPU."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode
from urllib.request import urlopen

from vipreco.project import Project, sqlite_file

PATIENCE_SECONDS: Final = 4.0
CREDENTIALS: Final = ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_AWS_SIGV4")
ALIAS: Final = """
SELECT a.version, t.value FROM registered_model_aliases AS a
JOIN model_version_tags AS t ON t.name = a.name AND t.version = a.version AND t.key = 'artifact_hash'
WHERE a.name = ? AND a.alias = ?
"""


class AliasTarget(NamedTuple):
    """The version that an alias means, and the hash of its artifact."""

    version: str
    artifact_hash: str


def look_up(project: Project, alias: str) -> AliasTarget | None:
    """Return the present meaning of an alias; None where MLflow itself has to be asked.

    Args:
        project: Whose registry: an SQLite file, or an MLflow server.
        alias: Such as `champion`.
    """
    path, name = sqlite_file(project.tracking_uri), project.settings.project.model
    try:
        if path is not None:
            return _from_database(path, name, alias)
        if project.tracking_uri.startswith(("http://", "https://")) and not any(map(os.getenv, CREDENTIALS)):
            return _from_server(project.tracking_uri, name, alias)
    except (OSError, ValueError, KeyError, TypeError, sqlite3.Error):
        return None  # whatever is wrong, MLflow says it better
    return None


def _from_database(path: Path, name: str, alias: str) -> AliasTarget | None:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=0.5)) as connection:
        rows = connection.execute(ALIAS, (name, alias)).fetchall()
    return AliasTarget(str(rows[0][0]), str(rows[0][1])) if len(rows) == 1 else None


def _from_server(address: str, name: str, alias: str) -> AliasTarget | None:
    query = urlencode({"name": name, "alias": alias})
    url = f"{address.rstrip('/')}/api/2.0/mlflow/registered-models/alias?{query}"
    with urlopen(url, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 - http and https alone, see above
        found: dict[str, Any] = json.load(answer)["model_version"]
    hashes = [tag["value"] for tag in found.get("tags", []) if tag["key"] == "artifact_hash"]
    return AliasTarget(str(found["version"]), str(hashes[0])) if len(hashes) == 1 else None
