"""The results of `simulate`: files, mapping, manifests, and the same bytes for the same seed."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import polars as pl
import pytest

from vipreco.errors import UsageError
from vipreco.simulator import simulate
from vipreco.simulator.parameters import Parameters
from vipreco.simulator.report import SimulationReport
from vipreco.tables.mapping_file import Mapping

TINY = Parameters(calibration_rows=2_048, rows_a_block=500)


def content(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes_on_any_number_of_threads(tmp_path: Path) -> None:
    for name, threads in (("one", 1), ("three", 3)):
        simulate(1_700, 3, 5, tmp_path / name, parameters=TINY, threads=threads)
    assert content(tmp_path / "one") == content(tmp_path / "three")


def test_another_seed_gives_another_bank(tmp_path: Path) -> None:
    for seed in (5, 6):
        simulate(300, 1, seed, tmp_path / str(seed), parameters=TINY)
    one, other = content(tmp_path / "5"), content(tmp_path / "6")
    assert one.keys() == other.keys()
    assert one["raw/customers_202512.csv"] != other["raw/customers_202512.csv"]


def test_every_source_has_exactly_one_entry_in_the_mapping(bank: SimulationReport) -> None:
    mapping = Mapping.read(bank.mapping)
    tables = [mapping.source_for(path).table[0].table for path in bank.sources]
    assert sorted(set(tables)) == ["activity", "contacts", "customers", "holdings", "products"]


def test_manifests_state_rows_and_sha256_of_each_raw_file(bank: SimulationReport) -> None:
    for path in bank.sources:
        manifest = tomllib.loads((path.parent / "manifests" / f"{path.name}.toml").read_text())
        assert manifest["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        rows = (
            len(path.read_bytes().splitlines()) - 1 if path.suffix == ".csv" else pl.read_parquet(path).height
        )
        assert manifest["rows"] == rows


def test_customer_files_are_gb18030_in_the_banks_own_words(bank: SimulationReport) -> None:
    path = next(path for path in bank.sources if path.name.startswith("customers"))
    header, first, *_ = path.read_bytes().decode("gb18030").splitlines()
    assert header.startswith("客户号,数据日期,客户层级,月日均资产")
    assert len(first.split(",")) == len(header.split(","))
    with pytest.raises(UnicodeDecodeError):
        path.read_bytes().decode("utf-8")


def test_progress_is_told_once_a_month_and_at_the_end(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    simulate(200, 3, 1, tmp_path / "out", parameters=TINY, progress=lambda *step: told.append(step))
    assert [step[1:] for step in told] == [(0, 3), (0, 3), (1, 3), (2, 3), (3, 3)]


def test_one_customer_and_one_month_make_a_bank(tmp_path: Path) -> None:
    report = simulate(1, 1, 3, tmp_path / "out", parameters=TINY)
    assert report.customers <= 1
    assert pl.read_csv(report.folder / "raw" / "products.csv", encoding="gb18030").height == 36


@pytest.mark.parametrize(
    ("customers", "months", "fault_rate"),
    [(0, 1, 0.0), (10, 0, 0.0), (10, 1, -0.1), (10, 1, 0.9), (10**9, 1, 0.0)],
)
def test_sizes_out_of_range_are_refused(
    tmp_path: Path, customers: int, months: int, fault_rate: float
) -> None:
    with pytest.raises(UsageError):
        simulate(customers, months, 1, tmp_path / "out", fault_rate=fault_rate)
    assert not (tmp_path / "out").exists()


def test_an_interrupted_run_leaves_nothing_and_can_be_repeated(tmp_path: Path) -> None:
    def interrupt(_what: str, done: int, _all: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(200, 3, 1, tmp_path / "out", parameters=TINY, progress=interrupt)
    assert list(tmp_path.iterdir()) == []
    report = simulate(200, 3, 1, tmp_path / "out", parameters=TINY)
    assert [path for path in (*report.sources, report.mapping) if not path.is_file()] == []
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(UsageError, match="not empty"):
        simulate(10, 1, 1, tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "keep"
