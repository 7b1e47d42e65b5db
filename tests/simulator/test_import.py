"""The simulated bank through the real import: a clean one is taken whole, a dirty one loses its faults."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from vipreco.project import ImportSection, ProjectSection, Settings
from vipreco.simulator import Parameters, SimulationReport, simulate
from vipreco.tables import Tables, import_
from vipreco.tables.report import ImportReport

SETTINGS = Settings.model_validate(
    {"project": ProjectSection(name="bank"), "import": ImportSection(max_quarantined_rate=0.05)}
)


def imported(bank: SimulationReport, folder: Path) -> ImportReport:
    return import_(folder, bank.mapping, bank.sources, SETTINGS)


def refused(report: ImportReport) -> set[tuple[str, int]]:
    rows = set()
    for path in report.quarantine:
        reasons = pl.read_csv(path.with_name(path.name + ".reasons.csv"))
        rows |= {(path.name.removesuffix(".quarantine.csv"), row) for row in reasons["row"].to_list()}
    return rows


def planted(bank: SimulationReport, outcome: str) -> set[tuple[str, int]]:
    faults = pl.read_parquet(bank.folder / "truth" / "planted.parquet").filter(pl.col("outcome") == outcome)
    return set(faults.select("file", "row").iter_rows())


@pytest.fixture(scope="module")
def dirty_import(dirty_bank: SimulationReport, tmp_path_factory: pytest.TempPathFactory) -> ImportReport:
    return imported(dirty_bank, tmp_path_factory.mktemp("tables"))


def test_a_clean_bank_is_imported_without_a_refused_row_or_a_warning(tmp_path: Path) -> None:
    bank = simulate(800, 2, 3, tmp_path / "out", parameters=Parameters(calibration_rows=2_048))
    report = imported(bank, tmp_path / "tables")
    assert [(file.name, file.quarantined, file.duplicates) for file in report.files] == [
        (path.name, 0, 0) for path in bank.sources
    ]
    assert report.warnings == ()
    tables = Tables.open(tmp_path / "tables")
    customers = pl.read_parquet(tables.files("customers"))
    assert customers["tier"].is_in(["BASIC", "SILVER", "GOLD", "PLATINUM", "DIAMOND", "PRIVATE"]).all()
    assert customers["risk_level"].drop_nulls().is_in(["C1", "C2", "C3", "C4", "C5"]).all()


def test_every_planted_fault_is_refused_and_nothing_else(
    dirty_bank: SimulationReport, dirty_import: ImportReport
) -> None:
    assert len(planted(dirty_bank, "quarantined")) > 200
    assert refused(dirty_import) == planted(dirty_bank, "quarantined")


def test_every_planted_copy_is_counted_as_a_duplicate(
    dirty_bank: SimulationReport, dirty_import: ImportReport
) -> None:
    copies = [name for name, _row in planted(dirty_bank, "duplicate")]
    assert {file.name: file.duplicates for file in dirty_import.files if file.duplicates} == {
        name: copies.count(name) for name in set(copies)
    }


def test_the_report_counts_what_an_import_must_find(
    dirty_bank: SimulationReport, dirty_import: ImportReport
) -> None:
    assert dirty_bank.planted == sum(file.quarantined + file.duplicates for file in dirty_import.files)


def test_all_kinds_of_fault_are_planted(dirty_bank: SimulationReport) -> None:
    kinds = pl.read_parquet(dirty_bank.folder / "truth" / "planted.parquet")["kind"].unique()
    assert {
        "full-width digits in the id",
        "byte that is no GB18030",
        "extra field",
        "unknown product",
    } <= set(kinds)
    assert len(kinds) > 30
