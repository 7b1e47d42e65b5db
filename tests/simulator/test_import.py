"""The simulated bank through the real import: a clean one is taken whole, a faulty one loses its faults."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from vipreco.history import History
from vipreco.settings import ImportSettings, ProjectSettings, Settings
from vipreco.simulator import simulate
from vipreco.simulator.parameters import Parameters
from vipreco.simulator.report import SimulationReport
from vipreco.tables import ImportReport, Tables, import_

SETTINGS = Settings.model_validate(
    {"project": ProjectSettings(name="bank"), "import": ImportSettings(max_quarantined_rate=0.05)}
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
def faulty_import(faulty_bank: SimulationReport, tmp_path_factory: pytest.TempPathFactory) -> ImportReport:
    return imported(faulty_bank, tmp_path_factory.mktemp("tables"))


@pytest.fixture(scope="module")
def clean_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clean")


@pytest.fixture(scope="module")
def clean_bank(clean_folder: Path) -> SimulationReport:
    return simulate(4_000, 2, 3, clean_folder / "out", parameters=Parameters(calibration_rows=4_096))


@pytest.fixture(scope="module")
def clean_import(clean_bank: SimulationReport, clean_folder: Path) -> ImportReport:
    return imported(clean_bank, clean_folder / "tables")


def test_a_clean_bank_is_imported_without_a_refused_row_or_a_warning(
    clean_bank: SimulationReport, clean_import: ImportReport, clean_folder: Path
) -> None:
    bank, report = clean_bank, clean_import
    assert [(file.name, file.quarantined, file.duplicates) for file in report.files] == [
        (path.name, 0, 0) for path in bank.sources
    ]
    assert report.warnings == ()
    tables = Tables.open(clean_folder / "tables")
    customers = pl.read_parquet(tables.files("customers"))
    assert customers["tier"].is_in(["BASIC", "SILVER", "GOLD", "PLATINUM", "DIAMOND", "PRIVATE"]).all()
    assert customers["risk_level"].drop_nulls().is_in(["C1", "C2", "C3", "C4", "C5"]).all()


def test_the_truth_is_about_the_population_of_the_eve_and_sums_to_the_labels(
    clean_bank: SimulationReport, clean_import: ImportReport, clean_folder: Path
) -> None:
    assert clean_import.tables["observations"] > 0
    history = History.open(clean_folder / "tables")
    after, until = date(2025, 11, 30), date(2025, 12, 31)
    truth = pl.read_parquet(clean_bank.folder / "truth" / "acquisitions_202512.parquet")
    population = history.as_of(after).population()["customer_id"].to_pylist()
    assert sorted(truth["customer_id"]) == population
    labels = pl.from_arrow(history.acquisitions(after, until).acquired)
    assert isinstance(labels, pl.DataFrame)
    number = labels.filter(pl.col("customer_id").is_in(population)).height
    chance = truth.drop("customer_id").cast(pl.Float64).to_numpy()
    assert abs(number - chance.sum()) < 4 * np.sqrt((chance * (1 - chance)).sum())


def test_every_planted_fault_is_refused_and_nothing_else(
    faulty_bank: SimulationReport, faulty_import: ImportReport
) -> None:
    assert len(planted(faulty_bank, "quarantined")) > 200
    assert refused(faulty_import) == planted(faulty_bank, "quarantined")


def test_every_planted_copy_is_counted_as_a_duplicate(
    faulty_bank: SimulationReport, faulty_import: ImportReport
) -> None:
    copies = [name for name, _row in planted(faulty_bank, "duplicate")]
    assert {file.name: file.duplicates for file in faulty_import.files if file.duplicates} == {
        name: copies.count(name) for name in set(copies)
    }


def test_the_report_counts_what_an_import_must_find(
    faulty_bank: SimulationReport, faulty_import: ImportReport
) -> None:
    assert faulty_bank.planted == sum(file.quarantined + file.duplicates for file in faulty_import.files)


def test_all_kinds_of_fault_are_planted(faulty_bank: SimulationReport) -> None:
    kinds = pl.read_parquet(faulty_bank.folder / "truth" / "planted.parquet")["kind"].unique()
    assert {
        "full-width digits in the id",
        "byte that is no GB18030",
        "extra field",
        "unknown product",
    } <= set(kinds)
    assert len(kinds) > 30
