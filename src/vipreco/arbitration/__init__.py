"""Which allowed product comes first: priority, and each customer's order of offers."""

from vipreco.arbitration.priority import ArbitrationSettings, priority
from vipreco.arbitration.slate import ranks

__all__ = ["ArbitrationSettings", "priority", "ranks"]
