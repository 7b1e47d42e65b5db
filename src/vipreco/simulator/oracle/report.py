"""The report of an oracle bench: tables for people, JSON for programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from vipreco.durable import write_bytes, write_json
from vipreco.simulator.oracle.arms import Arm
from vipreco.simulator.oracle.result import OracleResult
from vipreco.simulator.oracle.shares import PARTS, Effort, Unit

READABLE = 0o644
TARGET = 0.85
Rows = list[dict[str, Any]]


def write_report(result: OracleResult, out: Path, heading: str = "") -> None:
    """Write `report.md` and `results.json` into `out`, which is made when it is missing.

    Args:
        result: The bench.
        out: Folder.
        heading: Text above the tables; by default the title and the definitions.
    """
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "results.json", as_json(result), READABLE)
    write_bytes(out / "report.md", markdown(result, heading or HEADING).encode(), READABLE)


def as_json(result: OracleResult) -> dict[str, Any]:
    """Return everything of a bench that JSON can hold; NaN becomes null."""
    plan = result.plan
    return {
        "plan": {
            "seeds": list(plan.seeds),
            "customers": plan.customers,
            "months": plan.months,
            "list_length": plan.list_length,
            "call_rate": plan.call_rate,
            "recommender": plan.settings.model_dump(mode="json"),
        },
        "banks": [
            {
                "seed": bank.seed,
                "judged": str(bank.judged),
                "learnt": [str(day) for day in bank.learnt],
                "customers": len(bank.vip),
                "vip_customers": int(bank.vip.sum()),
            }
            for bank in result.banks
        ],
        "shares": _plain(result.shares),
        "order": _plain(result.order),
        "calibration": _plain(result.calibration),
        "deciles": _plain(result.deciles),
    }


def share_table(result: OracleResult, effort: Effort, unit: Unit) -> pl.DataFrame:
    """Return a row an arm: its share of each part of the customers, with interval and span of the banks."""
    shares = result.shares.filter(pl.col("effort") == effort.value, pl.col("unit") == unit.value)
    columns: dict[str, list[str]] = {"arm": [arm.value for arm in Arm]}
    for part in PARTS:
        rows = {row["arm"]: row for row in shares.filter(pl.col("part") == part).to_dicts()}
        columns[part] = [_share_text(rows[arm.value]) for arm in Arm]
        columns[f"{part}: banks"] = [_span_text(rows[arm.value]) for arm in Arm]
    return pl.DataFrame(columns)


def markdown(result: OracleResult, heading: str) -> str:
    """Return the whole report as Markdown."""
    parts = [heading.strip(), _about(result)]
    for effort in Effort:
        for unit in Unit:
            parts += [f"## {TITLES[effort]}, {unit.value}", table(share_table(result, effort, unit))]
    parts += ["## Does the expected order hold?", table(_order_table(result))]
    parts += ["## Calibration against the true chances", table(_rounded(result.calibration))]
    parts += ["By decile of the propensity, all banks together:", table(_rounded(result.deciles, 5))]
    return "\n\n".join(parts) + "\n"


def table(frame: pl.DataFrame) -> str:
    """Return a frame as a Markdown table."""
    lines = ["| " + " | ".join(frame.columns) + " |", "|" + "---|" * frame.width]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in frame.iter_rows()]
    return "\n".join(lines)


TITLES = {Effort.LIST: "A list for every customer", Effort.CALLS: "Calls to those who rank highest"}

HEADING = """\
# How far from the oracle?

The simulated bank knows the true chance of every acquisition in the judged month. Each arm orders the same
allowed pairs (customer, product). Its share is what its offers bring in expectation under the true chances,
divided by what the oracle's bring, which orders by that very reward. True is the chance averaged over the
contacts that the bank made by its own policy (`truth/acquisitions_*`), the same for all arms. `money` counts
chance x value of the product.
"""


def _about(result: OracleResult) -> str:
    plan, bank = result.plan, result.banks[0]
    learnt, seeds = bank.learnt, ", ".join(map(str, plan.seeds))
    return f"""\
{len(result.banks)} bank(s) of {plan.customers:,} customers and {plan.months} months, seeds {seeds}.
Learnt from {len(learnt)} month(s) until {learnt[-1]}, judged as of {bank.judged}. Lists have
{plan.list_length} offers; {plan.call_rate:.0%} of the customers are called. Intervals: 95 %, bootstrap over
the customers of all banks; beside them the lowest and the highest bank."""


def _order_table(result: OracleResult) -> pl.DataFrame:
    rows = result.order.filter(pl.col("part") == "all").to_dicts()
    return pl.DataFrame(
        {
            "effort": [row["effort"] for row in rows],
            "above": [f"{row['better']} > {row['worse']}" for row in rows],
            "difference": [f"{row['difference']:.3f} [{row['low']:.3f}, {row['high']:.3f}]" for row in rows],
            "holds": ["yes" if row["holds"] else "NO" for row in rows],
        }
    )


def _share_text(row: dict[str, Any]) -> str:
    return f"{row['share']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"


def _span_text(row: dict[str, Any]) -> str:
    return f"{row['lowest']:.3f}-{row['highest']:.3f}"


def _rounded(frame: pl.DataFrame, digits: int = 3) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Float64).round(digits))


def _plain(frame: pl.DataFrame) -> Rows:
    return frame.with_columns(pl.col(pl.Float64).fill_nan(None)).to_dicts()
