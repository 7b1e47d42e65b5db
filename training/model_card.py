"""The model card: what a model is, what it learnt from, how good it is, and where not to trust it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from string import Template
from typing import Final

from training.result import CardInputs, CardTable, Record, Value
from training.verdict import JudgedBound, Verdict, make_verdict

CARD: Final = Template("""\
# Model card: $recipe, as of $as_of_date

$purpose

| | |
|---|---|
| artifact | `$artifact_hash` |
| tables | snapshot `$snapshot_id` |
| features | fingerprint `$feature_fingerprint` |
| trained by | $trained_by |

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

### By fold
$folds

## Gates
$gates

## Where not to trust it
$limits

## Parameters
$parameters
""")


def render_card(record: Record, card: CardInputs, purpose: str = "") -> str:
    """Return the model card as Markdown; it depends on the record and the inputs alone."""
    return CARD.substitute(
        record.model_dump(include={"recipe", "artifact_hash", "trained_by"}),
        as_of_date=record.as_of_date or "unknown",
        snapshot_id=record.snapshot_id or "unknown",
        feature_fingerprint=record.feature_fingerprint or "unknown",
        purpose=purpose or "Next best product for the customers of a bank.",
        data=card.data,
        method=card.method,
        results=card.results,
        tables="\n\n".join(map(_titled, [*card.tables, _summary(record)])),
        folds=_folds(record.metrics_by_fold),
        gates=_gates(make_verdict(record)),
        limits=_bullets(card.limits, "No limits were named: treat that as an omission, not as a virtue."),
        parameters=markdown_table(("parameter", "value"), record.parameters.items()),
    )


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[Value | None]]) -> str:
    """Return a Markdown table; numbers have four digits, bars in texts are escaped."""
    lines = [columns, ["---"] * len(columns), *([_cell(value) for value in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _summary(record: Record) -> CardTable:
    return CardTable("All folds together", ("metric", "value"), tuple(record.summary_metrics.items()))


def _titled(table: CardTable) -> str:
    return f"### {table.title}\n{markdown_table(table.columns, table.rows)}"


def _folds(folds: Sequence[Mapping[str, float | None]]) -> str:
    names = sorted({name for metrics in folds for name in metrics})
    rows = [[name, *(metrics.get(name) for metrics in folds)] for name in names]
    return markdown_table(["metric", *(f"fold {number}" for number in range(len(folds)))], rows)


def _gates(verdict: Verdict) -> str:
    return (
        f"Verdict: {verdict.sentence}.\n\n{_bullets(list(map(_bound, verdict.bounds)), 'There is no gate.')}"
    )


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
