"""The figures of a bank in parts: the same rows, and the same figures that are not told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.kpi.counted_bank import CALLS, CUSTOMERS, DECEMBER, LADDER, frames, history
from tests.parts.small_tables import write_batches
from vipreco.engines import LocalEngine, PartedBank
from vipreco.kpi import FIGURES, FigureInputs, FigureRequest, FigureRows, figure_rows, figures_in_parts
from vipreco.parts import Limits, lay_out, part_of
from vipreco.settings import KpiSettings

INPUTS = FigureInputs(LADDER, CALLS, KpiSettings())


ODD = ("vip_customers", "vip_left", "not_reached_3_months", "products_used")


def in_parts(folder: Path, parts: int, keys: Sequence[str], **of: Any) -> FigureRows:
    tables = lay_out(folder / "tables", str(folder / "parts"), parts, Limits(threads=1))
    day = DECEMBER.isoformat()
    request = FigureRequest(day, INPUTS.record(), keys, None, "hindsight", **of)
    return figures_in_parts(PartedBank(LocalEngine(str(folder / "runs")), tables), request)


def test_any_number_of_parts_gives_the_figures_of_the_bank(tmp_path: Path):
    """One who left is the only customer of a part; others have no contact, or are nobody's."""
    write_batches(tmp_path / "tables", [frames()])
    whole = figure_rows(history().as_of(DECEMBER), INPUTS)
    homes = [part_of(customer, 7) for customer in CUSTOMERS]
    assert homes.count(part_of("d", 7)) == 1
    assert len(set(homes)) < 7
    found = in_parts(tmp_path, 7, list(FIGURES))
    assert found.rows.equals(whole.rows)
    silent = dict.fromkeys(("drain_expected", "offers_stopped"), "hindsight")
    assert found == replace(whole, rows=found.rows, missing={**whole.missing, **silent})
    branch = in_parts(tmp_path, 2, list(FIGURES), branch="B1", manager="M2")
    assert branch.rows.equals(whole.of("B1", "M2").rows)
    assert 0 < branch.rows.height < whole.rows.height
    moved = {"a": ("M1", "M2"), "g": ("M1", "M2")}  # of the second one the tables name another giver
    since = in_parts(tmp_path, 2, list(FIGURES), branch="B1", manager="M2", moved=moved)
    both = whole.rows.filter(pl.col("customer_id").is_in(["a", *branch.rows["customer_id"].unique()]))
    assert since.rows.equals(both.with_columns(pl.lit("M2").alias("manager_id")))


@pytest.mark.parametrize("without", ["contacts", "holdings"])
def test_a_figure_is_missing_where_no_part_can_tell_it(tmp_path: Path, without: str):
    write_batches(tmp_path / "tables", [{name: one for name, one in frames().items() if name != without}])
    whole = figure_rows(history(**{without: None}).as_of(DECEMBER), INPUTS, ODD)
    found = in_parts(tmp_path, 3, ODD)
    assert set(found.missing.values()) == {without}
    assert found == replace(whole, rows=found.rows)
    assert found.rows.equals(whole.rows)
