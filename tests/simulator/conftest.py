from __future__ import annotations

from pathlib import Path

import pytest

from vipreco.simulator import Parameters, SimulationReport, simulate

SMALL = Parameters(calibration_rows=8_192, rows_a_block=2_048)


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> SimulationReport:
    """A bank of 6,000 customers over four months, simulated once."""
    return simulate(6_000, 4, 7, tmp_path_factory.mktemp("bank") / "out", parameters=SMALL)


def file_bytes(folder: Path) -> dict[str, bytes]:
    """Content of every file below a folder, by its relative path."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
