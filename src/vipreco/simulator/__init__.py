"""A bank to practise on, with known truth: `simulate` writes its raw files, mapping and truth."""

from vipreco.simulator.parameters import Parameters
from vipreco.simulator.report import SimulationReport
from vipreco.simulator.simulation import simulate

__all__ = ["Parameters", "SimulationReport", "simulate"]
