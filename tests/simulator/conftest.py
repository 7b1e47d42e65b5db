from __future__ import annotations

import pytest

from vipreco.simulator import simulate
from vipreco.simulator.parameters import Parameters
from vipreco.simulator.report import SimulationReport

SMALL = Parameters(calibration_rows=16_384, rows_a_block=2_048)


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> SimulationReport:
    """A bank of 10,000 customers over four months, simulated once."""
    return simulate(10_000, 4, 7, tmp_path_factory.mktemp("bank") / "out", parameters=SMALL)


@pytest.fixture(scope="session")
def faulty_bank(tmp_path_factory: pytest.TempPathFactory) -> SimulationReport:
    """A bank with one fault in a hundred rows, simulated once."""
    out = tmp_path_factory.mktemp("faulty") / "out"
    return simulate(3_000, 4, 7, out, fault_rate=0.01, parameters=SMALL)
