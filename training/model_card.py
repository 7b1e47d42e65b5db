"""The model card: what a model is, what it learnt from, how good it is, and where not to trust it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from string import Template
from typing import Final

from training.gates import CASES
from training.result import CardInputs, CardTable, Record, Value
from training.summary import summarise
from training.verdict import JudgedBound, make_verdict

CARD: Final = Template("""\
# Model card: $recipe, as of $as_of_date

$purpose

**$verdict.** Judged on $judged.

$main

## Gates
$gates

## What it is for
It ranks, for one customer, the products of the catalogue by the calibrated probability of an
acquisition within the horizon, as input of rules (eligibility, suitability, contact policy) that
decide after it. It is not for credit decisions, prices, or any refusal of a service; a customer may
object to profiling and is then left out.

## What it learnt from
$data

## How it works
$method

## How good it is
$results
$tables

### By judged date
$folds

## Where not to trust it
$limits

## Where it comes from
| | |
|---|---|
| artifact | `$artifact_hash` |
| tables | snapshot `$snapshot_id` |
| features | fingerprint `$feature_fingerprint` |
| trained by | $trained_by |

## Parameters
$parameters
""")

SHOWN_AS: Final = {"calibration_ratio": "expected / observed"}
SIMPLE_RULES: Final = ("popularity", "held_before", "distance_to_line")


def render_card(record: Record, card: CardInputs, purpose: str = "") -> str:
    """Return the model card as Markdown; it depends on the record and the inputs alone."""
    verdict = make_verdict(record)
    return CARD.substitute(
        record.model_dump(include={"recipe", "artifact_hash", "trained_by"}),
        as_of_date=record.as_of_date or "unknown",
        snapshot_id=record.snapshot_id or "unknown",
        feature_fingerprint=record.feature_fingerprint or "unknown",
        verdict=verdict.sentence,
        judged=judged_on(record),
        main=markdown_table(*main_numbers(record)),
        purpose=purpose or "Next best product for the customers of a bank.",
        data=card.data,
        method=card.method,
        results=card.results,
        tables="\n\n".join(map(_titled, card.tables)),
        folds=markdown_table(*fold_table(record)),
        gates=_bullets(list(map(_bound, verdict.bounds)), "There is no gate."),
        limits=_bullets(card.limits, "No limits were named: treat that as an omission, not as a virtue."),
        parameters=markdown_table(("parameter", "value"), record.parameters.items()),
    )


def judged_on(record: Record) -> str:
    """Return in words how many cases a version was judged on."""
    cases = record.summary_metrics.get(CASES)
    return "an unknown number of cases" if cases is None else f"{cases:,.0f} customers who acquired something"


def main_numbers(record: Record) -> tuple[tuple[str, ...], list[tuple[Value | None, ...]]]:
    """Return the columns and rows of the main numbers, each beside the simple rules that it has."""
    metrics = {name: value for name, value in record.summary_metrics.items() if value is not None}
    rows = summarise(metrics, ()).rows
    rules = [rule for rule in SIMPLE_RULES if any(row[rule] is not None for row in rows)]
    columns = ("measure", "vipreco", *(rule.replace("_", " ") for rule in rules))
    return columns, [(row["metric"], row["ours"], *(row[rule] for rule in rules)) for row in rows]


def fold_table(record: Record) -> tuple[tuple[str, ...], list[tuple[Value | None, ...]]]:
    """Return the columns and rows of our figures at each judged date; those of simple rules are plotted."""
    folds = record.metrics_by_fold
    names = sorted({name for metrics in folds for name in metrics if "/" not in name})
    columns = ("measure", *(record.judged or [f"fold {place}" for place in range(len(folds))]))
    shown = {name: SHOWN_AS.get(name, name.replace("_at_", "@").replace("_", " ")) for name in names}
    return columns, [(shown[name], *(metrics.get(name) for metrics in folds)) for name in names]


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[Value | None]]) -> str:
    """Return a Markdown table; numbers have four digits, bars in texts are escaped."""
    lines = [columns, ["---"] * len(columns), *([_cell(value) for value in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _titled(table: CardTable) -> str:
    return f"### {table.title}\n{markdown_table(table.columns, table.rows)}"


def _bound(bound: JudgedBound) -> str:
    told = "passed" if bound.passed else "undecided" if bound.undecided else "NOT passed"
    return f"{told}: {bound.sentence}" + (f" ({bound.detail})" if bound.detail else "")


def _bullets(lines: Sequence[str], otherwise: str) -> str:
    return "\n".join(f"- {line}" for line in lines) or otherwise


def _cell(value: Value | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value).replace("|", "\\|").replace("\n", " ")
