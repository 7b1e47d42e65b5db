"""Allocation of customers to options under shared limits, with a proven gap to the optimum."""

from vipreco.arbitration.allocation.allocate import Allocation, allocate, exact
from vipreco.arbitration.allocation.problem import NOBODY, Limit, Problem

__all__ = ["NOBODY", "Allocation", "Limit", "Problem", "allocate", "exact"]
