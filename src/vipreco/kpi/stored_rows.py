"""The rows behind the figures as files of a part or of a release, from which a branch reads its own."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from vipreco.durable import canonical_json
from vipreco.kpi.rows import OWNER_SCHEMA, ROW_SCHEMA, FigureRows, PartFigures, in_order, missing_figures
from vipreco.lists import NO_HAND_OVERS, Moved

ROWS, FACTS = "figures.parquet", "figures.json"
ROW_GROUP = 20_000  # rows of one branch lie together: a reader skips the groups of the others
NO_ROWS = pl.DataFrame(schema=ROW_SCHEMA | OWNER_SCHEMA)


def save_part(part: PartFigures, folder: Path) -> None:
    """Write the figures of some customers, ordered by branch, manager and figure."""
    ordered = part.found.rows.sort(
        "branch_id", "manager_id", "figure", "month_date", maintain_order=True, nulls_last=True
    )
    ordered.write_parquet(folder / ROWS, row_group_size=ROW_GROUP)
    own = {"unmet": sorted(part.unmet), "model_missing": part.model_missing}
    (folder / FACTS).write_bytes(canonical_json(_facts(part.found) | own))


def read_part(folder: Path) -> PartFigures:
    """Return the figures of a part."""
    return _part(folder, pl.read_parquet(folder / ROWS, glob=False))


def save_facts(folder: Path) -> None:
    """Write into the folder of a release what its parts tell of the bank together."""
    missing, known = missing_figures([_part(one.parent, NO_ROWS) for one in _files(folder)])
    (folder / FACTS).write_bytes(canonical_json(_facts(known) | {"missing": missing}))


def read_rows(
    folder: Path, branch: str | None = None, manager: str | None = None, moved: Moved = NO_HAND_OVERS
) -> FigureRows | None:
    """Return the rows of a branch, or of a manager's book; None where a release has none.

    Args:
        folder: Of the release, whose files were verified.
        branch: Only customers of this branch.
        manager: Only customers of this manager.
        moved: Customers who were handed over since.
    """
    if not (folder / FACTS).is_file():
        return None
    facts = json.loads((folder / FACTS).read_bytes())
    rows = pl.scan_parquet(_files(folder), glob=False)
    if branch is not None:
        rows = rows.filter(pl.col("branch_id") == branch)
    if manager is not None:
        got = [customer for customer, (_, taker) in moved.items() if taker == manager]
        own = pl.col("manager_id") == manager  # bare, so that the groups of other managers are skipped
        rows = rows.filter(own | pl.col("customer_id").is_in(got) if got else own)
    found = _figure_rows(in_order(rows.collect(), facts["missing"]), facts, facts["missing"])
    return found.handed_over(moved).of(branch, manager)


def _files(folder: Path) -> list[Path]:
    """Return the file of a release of one part, or those of all parts."""
    whole = folder / ROWS
    return [whole] if whole.is_file() else sorted(folder.glob(f"p*/{ROWS}"))


def _facts(rows: FigureRows) -> dict[str, Any]:
    return {
        "product_names": dict(rows.product_names),
        "as_of": rows.as_of.isoformat(),
        "months": [day.isoformat() for day in rows.months],
        "flow_months": rows.flow_months,
        "horizon_months": rows.horizon_months,
        "rule_names": {code: dict(names) for code, names in rows.rule_names.items()},
    }


def _part(folder: Path, rows: pl.DataFrame) -> PartFigures:
    facts = json.loads((folder / FACTS).read_bytes())
    return PartFigures(_figure_rows(rows, facts, {}), frozenset(facts["unmet"]), facts["model_missing"])


def _figure_rows(rows: pl.DataFrame, facts: dict[str, Any], missing: dict[str, str]) -> FigureRows:
    return FigureRows(
        rows,
        date.fromisoformat(facts["as_of"]),
        tuple(date.fromisoformat(day) for day in facts["months"]),
        facts["flow_months"],
        facts["horizon_months"],
        missing,
        facts["rule_names"],
        facts["product_names"],
    )
