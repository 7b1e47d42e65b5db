"""Descriptions in MLflow: what a model, a run and a version are, in the words of the verdict."""

from __future__ import annotations

from typing import Final

from training.result import Record
from training.summary import summarise
from training.verdict import Verdict, make_verdict

MODEL: Final = """\
Next best product for each VIP customer of the bank, with calibrated chances and reasons.

- `champion` is in force, `challenger` is its newest rival; `previous` is back by `vipreco models rollback`.
- An alias is the effect of an approval, which is a record in the audit chain of the operational store: \
`vipreco models promote`, `rollback`, `retire`.
- The folder `artifact` of a version's run is data that vipreco itself loads; never load it with \
`mlflow.*.load_model`.
"""
COLUMNS: Final = {"ours": "ours", "popularity": "popularity", "held_before": "held before"}


def describe(record: Record) -> str:
    """Return the description of a run and its version: verdict, numbers beside simple rules, origin."""
    verdict = make_verdict(record)
    metrics = {name: value for name, value in record.summary_metrics.items() if value is not None}
    origin = (
        f"Recipe `{record.recipe}`, learnt until {record.as_of_date or 'unknown'} from tables "
        f"`{record.snapshot_id}`; trained by {record.trained_by}. Read `training/model_card.md`."
    )
    lines = [
        f"**{verdict.sentence}**",
        "",
        *_broken(verdict),
        f"| | {' | '.join(COLUMNS.values())} |",
        f"|---|{'---|' * len(COLUMNS)}",
        *(
            f"| {row['metric']} | {' | '.join(_cell(row.get(name)) for name in COLUMNS)} |"
            for row in summarise(metrics, ()).rows
        ),
        "",
        origin,
    ]
    return "\n".join(lines)


def _broken(verdict: Verdict) -> list[str]:
    broken = [f"- {bound.sentence}" for bound in verdict.bounds if not bound.passed]
    return [*broken, ""] if broken else []


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else ""
