"""Oracle bench: the distance of a ranking to the best possible one, by a simulated bank's true chances."""

from vipreco.simulator.oracle.bench import bench_oracle
from vipreco.simulator.oracle.plan import OraclePlan
from vipreco.simulator.oracle.result import OracleResult

__all__ = ["OraclePlan", "OracleResult", "bench_oracle"]
