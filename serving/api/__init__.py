"""The programming interface: one module for each thing that can be asked for."""

from serving.access import Operation
from serving.api import health

OPERATIONS: tuple[Operation, ...] = (*health.OPERATIONS,)

__all__ = ["OPERATIONS"]
