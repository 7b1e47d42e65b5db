"""The five tables a bank brings: contracts, import by a mapping, quarantine, validation."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from vipreco.tables.importing import import_
    from vipreco.tables.mapping import Mapping
    from vipreco.tables.report import FileLedger, ImportReport
    from vipreco.tables.stored import Tables
    from vipreco.tables.validation import Finding, validate

__all__ = ["FileLedger", "Finding", "ImportReport", "Mapping", "Tables", "import_", "validate"]
_PLACES: Final = {
    "FileLedger": "report",
    "Finding": "validation",
    "ImportReport": "report",
    "Mapping": "mapping",
    "Tables": "stored",
    "import_": "importing",
    "validate": "validation",
}


def __getattr__(name: str) -> Any:
    """Load a part when it is first asked for: who reads tables needs nothing of what imports files."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
