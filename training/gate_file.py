"""The file of gates: `training/gates.toml` of a project."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from training.gates import DEFAULT_GATES, Gate
from vipreco.assurance import FairnessSettings
from vipreco.project import Project, parse_toml
from vipreco.settings import Section

GATES_FILE: Final = Path("training") / "gates.toml"


class FairnessGate(FairnessSettings):
    """Protected groups that a challenger is checked for, and how far they may differ.

    Args:
        groups: CSV or Parquet file (from the project's root) with customer_id and protected attributes, read
            for this check alone; without it fairness is not judged, and report and card say so.
    """

    groups: str = ""


class GateFile(Section):
    """All of `training/gates.toml`.

    Args:
        error_rate: How often a challenger that is worse than the champion by a whole margin may pass.
        load_seconds: Within which another process loads the artifact and meets its golden scores.
        compared_customers: Sample of customers whose first offers are compared with the champion's.
        fairness: Protected groups, and how far they may differ.
        gate: The rules.
    """

    error_rate: Annotated[float, Field(gt=0.0, lt=0.5)] = 0.05
    load_seconds: Annotated[float, Field(gt=0.0)] = 60.0
    compared_customers: Annotated[int, Field(ge=0)] = 5_000
    fairness: FairnessGate = FairnessGate()
    gate: tuple[Gate, ...] = DEFAULT_GATES


def read_gates(project: Project) -> GateFile:
    """Return the gates of a project; the defaults where it has no file of them.

    Raises:
        UsageError: The file is wrong; all findings are listed.
    """
    path = project.root / GATES_FILE
    return parse_toml(path, GateFile) if path.exists() else GateFile()
