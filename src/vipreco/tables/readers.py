"""Choice of the reader by the format of a file."""

from __future__ import annotations

from pathlib import Path

from vipreco.tables.csv_source import CsvSource
from vipreco.tables.intake import Candidate
from vipreco.tables.mapping import SourceRule
from vipreco.tables.parquet_source import ParquetSource
from vipreco.tables.sources import TextSource
from vipreco.tables.xlsx_source import XlsxSource


def open_source(candidate: Candidate, scratch: Path) -> TextSource:
    """Return the reader of a file, its header checked against the mapping.

    Raises:
        InputRejectedError: The file is not what its format says, or lacks columns.
    """
    if candidate.format == "csv":
        return CsvSource(candidate.path, _as_csv(candidate), spool=scratch)
    if candidate.format == "parquet":
        return ParquetSource(candidate.path, candidate.rule)
    return XlsxSource(candidate.path, candidate.rule)


def _as_csv(candidate: Candidate) -> SourceRule:
    """Return the entry as it reads a quarantine file: of a Parquet or XLSX source that is a plain CSV."""
    suffix = candidate.path.name.lower().removesuffix(".quarantine.csv")
    if candidate.repaired and (
        candidate.rule.format in {"parquet", "xlsx"} or suffix.endswith((".parquet", ".xlsx"))
    ):
        return candidate.rule.model_copy(update={"encoding": "utf-8", "delimiter": ","})
    return candidate.rule
