"""Environment variables that the processes of a service inherit."""

from __future__ import annotations

import os
from pathlib import Path

from serving.http import metrics
from vipreco.new_project import reference_folder
from vipreco.project import Project
from vipreco.settings import ServingSettings

ALLOCATOR = "glibc.malloc.tcache_count=400"
"""Small pieces of memory that a thread keeps for itself, by size: DuckDB and Python ask for thousands in each
decision, seven (the default) are soon used up. Where the C library is another, it does nothing."""
SETTINGS = "VIPRECO_SERVING"  # settings of this run; where it is set, the store was checked before


def set_environment(project: Project, settings: ServingSettings, folder: Path) -> None:
    """Set what the processes inherit: settings of this run, metrics, no telemetry, one thread each.

    Args:
        project: The project that is served.
        settings: Its settings with the options of the command line.
        folder: For the metrics of all processes.
    """
    paths = [str(project.root), str(reference_folder()), os.environ.get("PYTHONPATH", "")]
    os.environ.update(
        {
            metrics.FOLDER: str(folder),
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
            SETTINGS: settings.model_dump_json(),
            "BENTOML_DO_NOT_TRACK": "True",
            "DO_NOT_TRACK": "1",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "GLIBC_TUNABLES": os.environ.get("GLIBC_TUNABLES", ALLOCATOR),
            "OMP_WAIT_POLICY": "PASSIVE",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "POLARS_MAX_THREADS": "1",
        }
    )


def store_is_checked() -> bool:
    """Return whether the parent of this process has checked the store: that reads the whole file."""
    return SETTINGS in os.environ


def run_settings(project: Project) -> ServingSettings:
    """Return the settings of this run: options of the command line override those of the file."""
    given = os.environ.get(SETTINGS)
    return project.settings.serving if given is None else ServingSettings.model_validate_json(given)
