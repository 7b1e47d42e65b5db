"""The five tables a bank brings: contracts, import by a mapping, quarantine, validation."""

from vipreco.tables.importing import import_
from vipreco.tables.mapping import Mapping
from vipreco.tables.report import FileLedger, ImportReport
from vipreco.tables.stored import Tables
from vipreco.tables.validation import Finding, validate

__all__ = ["FileLedger", "Finding", "ImportReport", "Mapping", "Tables", "import_", "validate"]
