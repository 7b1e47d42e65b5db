"""The five tables a bank brings: contracts, import by a mapping, quarantine, validation."""

from vipreco.tables.importing import import_
from vipreco.tables.mapping import Mapping
from vipreco.tables.report import FileLedger, ImportReport
from vipreco.tables.stored import Tables

__all__ = ["FileLedger", "ImportReport", "Mapping", "Tables", "import_"]
