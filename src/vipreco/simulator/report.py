"""Report of a simulation: files and counts."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from vipreco.simulator.month import MonthResult


@dataclass(frozen=True)
class SimulationReport:
    """Files and counts of a simulation.

    Args:
        folder: The output folder.
        sources: The raw files to import, in order.
        mapping: The mapping file that they are imported with.
        customers: Customers in the last snapshot.
        first_snapshot: First snapshot date, ISO.
        last_snapshot: Last snapshot date, ISO.
        vip_tiers: Values of `tier` that mean a VIP customer.
        acquisitions: Number of acquisitions by customers who were in the bank before the month.
        acquiring_rate: Share of customers who acquire something in a month, on average.
        contacts: Number of contacts.
        left: Number of customers who left.
        planted: Number of planted faults that an import must find: refused rows and copies.
    """

    folder: Path
    sources: tuple[Path, ...]
    mapping: Path
    customers: int
    first_snapshot: str
    last_snapshot: str
    vip_tiers: tuple[str, ...]
    acquisitions: int
    acquiring_rate: float
    contacts: int
    left: int
    planted: int = 0

    def moved_to(self, folder: Path) -> SimulationReport:
        """Return the report with all paths under another folder."""
        sources = tuple(folder / path.relative_to(self.folder) for path in self.sources)
        return replace(self, folder=folder, sources=sources, mapping=folder / self.mapping.name)

    def counts(self) -> dict[str, Any]:
        """Return all but the paths."""
        return {name: value for name, value in asdict(self).items() if name not in PATHS}


PATHS = {"folder", "sources", "mapping"}


@dataclass
class Tally:
    """Running counts of a simulation."""

    customer_months: int = 0
    acquirers: int = 0
    acquisitions: int = 0
    contacts: int = 0
    left: int = 0

    def add(self, result: MonthResult) -> None:
        """Count a month of a block."""
        self.customer_months += int(result.present.sum())
        self.acquirers += int(result.acquired.any(axis=1).sum())
        self.acquisitions += int(result.acquired.sum())
        self.contacts += len(result.contacts.customer)
        self.left += int(result.closed.sum())
