"""How far a ranking is from the best possible one: judged against the simulated bank's true chances."""

from vipreco.simulator.oracle.plan import OraclePlan
from vipreco.simulator.oracle.result import OracleResult
from vipreco.simulator.oracle.running import bench_oracle

__all__ = ["OraclePlan", "OracleResult", "bench_oracle"]
