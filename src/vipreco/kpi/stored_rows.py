"""The rows behind the figures as files of a release, from which a branch reads its own."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl

from vipreco.durable import canonical_json
from vipreco.kpi.rows import FigureRows

ROWS, FACTS = "figures.parquet", "figures.json"
ROW_GROUP = 20_000  # rows of one branch lie together: a reader skips the groups of the others


def save_rows(rows: FigureRows, folder: Path) -> None:
    """Write the rows of a bank, ordered by branch, manager and figure."""
    ordered = rows.rows.sort(
        "branch_id", "manager_id", "figure", "month_date", maintain_order=True, nulls_last=True
    )
    ordered.write_parquet(folder / ROWS, row_group_size=ROW_GROUP)
    facts = {
        "product_names": dict(rows.product_names),
        "as_of": rows.as_of.isoformat(),
        "months": [day.isoformat() for day in rows.months],
        "flow_months": rows.flow_months,
        "horizon_months": rows.horizon_months,
        "missing": dict(rows.missing),
        "rule_names": {code: dict(names) for code, names in rows.rule_names.items()},
    }
    (folder / FACTS).write_bytes(canonical_json(facts))


def read_rows(folder: Path, branch: str | None = None, manager: str | None = None) -> FigureRows | None:
    """Return the rows of a branch, or of a manager's book; None where a release has none.

    Args:
        folder: Of the release, whose files were verified.
        branch: Only customers of this branch.
        manager: Only customers of this manager.
    """
    if not (folder / FACTS).is_file():
        return None
    facts = json.loads((folder / FACTS).read_bytes())
    rows = pl.scan_parquet(folder / ROWS, glob=False)
    for name, value in (("branch_id", branch), ("manager_id", manager)):
        rows = rows if value is None else rows.filter(pl.col(name) == value)
    return FigureRows(
        rows.collect(),
        date.fromisoformat(facts["as_of"]),
        tuple(date.fromisoformat(day) for day in facts["months"]),
        facts["flow_months"],
        facts["horizon_months"],
        facts["missing"],
        facts["rule_names"],
        facts["product_names"],
    )
