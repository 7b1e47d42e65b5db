"""Choice of the reader by the format of a file."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from vipreco.tables.csv_source import CsvSource
from vipreco.tables.date_forms import ISO_DATE, ISO_MOMENTS
from vipreco.tables.intake import Candidate
from vipreco.tables.mapping_file import ColumnRule, SourceRule, TableRule, as_rule
from vipreco.tables.parquet_source import ParquetSource
from vipreco.tables.sources import TextSource
from vipreco.tables.xlsx_source import XlsxSource

Rule = TypeVar("Rule", bound=ColumnRule)


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
        plain = {"encoding": "utf-8", "delimiter": ",", "header_row": 1}
        tables = tuple(_with_iso_dates(table) for table in candidate.rule.table)
        return candidate.rule.model_copy(update={**plain, "table": tables})
    return candidate.rule


def _with_iso_dates(table: TableRule) -> TableRule:
    """Return the entry with ISO dates beside its own forms: a quarantine file holds date cells so."""
    columns = {name: _iso_too(as_rule(rule)) for name, rule in table.columns.items()}
    attributes = {name: _iso_too(rule) for name, rule in table.attributes.items()}
    return table.model_copy(update={"columns": columns, "attributes": attributes})


def _iso_too(rule: Rule) -> Rule:
    if not rule.date_forms:
        return rule
    return rule.model_copy(update={"date_format": (*rule.date_forms, ISO_DATE, *ISO_MOMENTS)})
