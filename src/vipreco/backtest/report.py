"""The backtest as one tidy frame, and as a table in which no number stands without its baselines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vipreco.backtest.judged_lists import JudgedLists
from vipreco.stats import (
    NO_RESAMPLES,
    RESAMPLES,
    Estimate,
    Flags,
    PerCustomer,
    RelevantRanks,
    bootstrap_mean,
    coverage,
    novel,
    paired_difference,
    ranking_metrics,
    reacquired,
)

COLUMNS = ["model", "slice", "metric", "value", "low", "high", "customers"]
ALL, NOVEL, REACQUIRED = "all", "novel", "re-acquired"
DIFFERENCE = "difference"


@dataclass(frozen=True)
class Judgement:
    """Acquisitions and slices against which lists of n customers are judged.

    Attributes:
        truth: (n, P) acquired within the window; only customers observed at its end may be rows.
        held_before: (n, P) held earlier and not now; splits truth into novel and re-acquired.
        tiers: (n,) tier of each customer, as text; None or empty where unknown.
        k: Length of the list.
        seed: Of the resampling.
    """

    truth: Flags
    held_before: Flags
    tiers: NDArray[np.object_] | None = None
    k: int = 7
    seed: int = 20260101
    resamples: int = field(default=RESAMPLES)

    def per_customer(self, lists: JudgedLists) -> Iterator[tuple[str, dict[str, PerCustomer]]]:
        """Name and ranking metrics of each slice: all customers and each tier, each with all, novel and
        re-acquired acquisitions."""
        ranks = RelevantRanks.of(self.truth, lists.ranks)
        metrics = {
            ALL: ranking_metrics(ranks, self.k),
            NOVEL: ranking_metrics(ranks.restricted(novel(self.truth, self.held_before)), self.k),
            REACQUIRED: ranking_metrics(ranks.restricted(reacquired(self.truth, self.held_before)), self.k),
        }
        for group, customers in self._groups():
            for kind, values in metrics.items():
                yield _slice_name(group, kind), {name: one[customers] for name, one in values.items()}

    def _groups(self) -> Iterator[tuple[str, Flags]]:
        yield ALL, np.ones(len(self.truth), dtype=bool)
        if self.tiers is not None:
            for tier in sorted({str(tier) for tier in self.tiers if tier}):
                yield f"tier {tier}", np.asarray(self.tiers == tier, dtype=bool)


def evaluate(models: Mapping[str, JudgedLists], against: Judgement) -> pd.DataFrame:
    """Every ranking metric of every model and slice, with 95 % intervals over customers.

    Args:
        models: Name -> lists of the n customers. Put the baselines in as well.
        against: Truth and slices.

    Returns:
        Tidy frame: model, slice, metric, value, low, high, customers. Metrics: map@k, recall@k, ndcg@k,
        hit@k over customers who acquired something; precision@k over all of the slice; coverage.
    """
    rows = [row for name, lists in models.items() for row in _model_rows(name, lists, against)]
    return pd.DataFrame(rows, columns=COLUMNS)


def compare(
    models: Mapping[str, JudgedLists], ours: str, against: Judgement, metric: str = "map"
) -> pd.DataFrame:
    """Paired difference of model `ours` to each other model in every slice, customer by customer.

    Returns:
        Tidy frame as of `evaluate`; `model` is the rival, `value` is ours minus the rival's.
    """
    own = {part: values[metric] for part, values in against.per_customer(models[ours])}
    rows = [
        _row(
            rival, part, f"{metric}@{against.k} {DIFFERENCE}", _difference(own[part], values[metric], against)
        )
        for rival, lists in models.items()
        if rival != ours
        for part, values in against.per_customer(lists)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def to_markdown(frame: pd.DataFrame, metrics: Sequence[str] | None = None) -> str:
    """The frame of `evaluate` as Markdown: a row a slice and metric, a column a model, in the order given.

    The intervals stand in brackets. The best value of each row is bold, except among differences.

    Args:
        frame: From `evaluate` or `compare`.
        metrics: Which to show, such as ["map@7"]; all when None.
    """
    models = list(dict.fromkeys(frame["model"]))
    wanted = frame if metrics is None else frame[frame["metric"].isin(metrics)]
    lines = [
        _line(["slice", "metric", "customers", *models]),
        _line(["---"] * 2 + ["---:"] * (len(models) + 1)),
    ]
    for (part, metric), group in wanted.groupby(["slice", "metric"], sort=False):
        cells = group.set_index("model").reindex(models)
        customers = f"{int(cells['customers'].max()):,}"
        best = np.nan if str(metric).endswith(DIFFERENCE) else float(cells["value"].max())
        lines.append(_line([str(part), str(metric), customers, *_cells(cells, best)]))
    return "\n".join(lines) + "\n"


def _model_rows(name: str, lists: JudgedLists, against: Judgement) -> Iterator[dict[str, object]]:
    for part, metrics in against.per_customer(lists):
        for metric, values in metrics.items():
            found = bootstrap_mean(values, against.seed, against.resamples)
            yield _row(name, part, f"{metric}@{against.k}", found)
    share, customers = coverage(lists.covered[None, :]), len(against.truth)
    yield _row(name, ALL, f"coverage@{against.k}", Estimate(share, lacks=NO_RESAMPLES, customers=customers))


def _difference(ours: PerCustomer, theirs: PerCustomer, against: Judgement) -> Estimate:
    return paired_difference(ours, theirs, against.seed, against.resamples)


def _row(model: str, part: str, metric: str, found: Estimate) -> dict[str, object]:
    estimate = [found.value, found.low, found.high, found.customers]
    return dict(zip(COLUMNS, [model, part, metric, *estimate], strict=True))


def _slice_name(group: str, kind: str) -> str:
    return group if kind == ALL else kind if group == ALL else f"{group}, {kind}"


def _cells(estimates: pd.DataFrame, best: float) -> list[str]:
    numbers = estimates[["value", "low", "high"]].to_numpy(dtype=np.float64)
    return [_cell(value, low, high, value == best) for value, low, high in numbers]


def _cell(value: float, low: float, high: float, best: bool) -> str:
    if np.isnan(value):
        return "–"
    number = f"**{value:.4f}**" if best else f"{value:.4f}"
    return number if np.isnan(low) else f"{number} [{low:.4f}, {high:.4f}]"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
