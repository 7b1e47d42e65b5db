"""The champion in a training: a rival in the backtest, and another first offer for some customers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from training.result import CHAMPION, STABILITY, CardTable, TrainingJob
from vipreco.artifact import try_in_child
from vipreco.assurance import sampled_view
from vipreco.backtest import Champion, ChampionComparison
from vipreco.features import FeatureSet
from vipreco.history import History, View
from vipreco.lists import sensitivity
from vipreco.recommender import Recommender

LOADER: Final = "vipreco.recommender.storage:golden_scorer"
LOADS, MEGABYTES, CHANGED = "artifact/loads", "artifact/megabytes", "first-offers-changed"
MEASURED: Final = frozenset({LOADS, MEGABYTES})
"""Metrics of the saved artifact, which cannot stand in it."""


@dataclass(frozen=True)
class Checked:
    """Figures of a saved artifact and of its first offers, and what stands behind them, by metric."""

    metrics: Mapping[str, float]
    details: Mapping[str, str]


def rival(
    job: TrainingJob, history: History, reduced: Mapping[str, object], features: FeatureSet
) -> Champion | None:
    """Return the champion as a rival in the backtest; None where there is none.

    Args:
        job: The training.
        history: What is learnt from.
        reduced: Settings that the folds of the backtest do without.
        features: Of the challenger; where the champion has the same definitions, it takes what they computed.

    Raises:
        IntegrityError: The champion's artifact is damaged.
    """
    if job.champion is None:
        return None
    recommender = Recommender.load(job.champion.folder, job.project.threads, checked=True)
    if recommender.features.fingerprint == features.fingerprint:
        recommender = recommender.with_features(features)
    settings = recommender.settings
    newest = recommender.as_of_dates[-1]
    _, learnt_until = history.label_window(newest, settings.horizon_months, settings.gap_months)
    return Champion(recommender, settings.model_copy(update=dict(reduced)), learnt_until)


def check(job: TrainingJob, recommender: Recommender, against: ChampionComparison | None) -> Checked:
    """Load the saved artifact in another process, weigh it, and compare its first offers."""
    job.say("Loading what was saved, in another process")
    verdict = try_in_child(job.artifact_folder, LOADER, timeout=job.gates.load_seconds)
    size = sum(path.stat().st_size for path in job.artifact_folder.rglob("*") if path.is_file())
    metrics = {LOADS: float(verdict.accepted), MEGABYTES: round(size / 1e6, 3)}
    details = {} if verdict.accepted else {LOADS: verdict.reason}
    if against is not None:
        job.say("First offers beside those of the champion")
        metrics |= against.summary()
        metrics |= _changed(job, recommender)
        bases = sorted(set(against.bases.values()))
        details["map-above-champion"] = f"the champion {'; '.join(bases)}"
    return Checked(metrics, details)


def card_table(against: ChampionComparison | None) -> tuple[CardTable, ...]:
    """Return the comparison with the champion, over everybody and by tier; none without one."""
    if against is None:
        return ()
    rows = [("MAP, everybody", against.map), ("log loss saved, as a share", against.log_loss)]
    rows += [(f"MAP, tier {tier}", found) for tier, found in against.by_tier.items()]
    cells = tuple((name, one.value, one.low, one.high, one.customers) for name, one in rows)
    columns = ("difference to the champion", "value", "low", "high", "customers")
    title = "Against the champion, paired by customer"
    return (CardTable(title, columns, _known(cells), CHAMPION),)


def sensitivity_table(job: TrainingJob, recommender: Recommender) -> CardTable:
    """Return what changes in the lists of a sample of customers with one factor of their order left out."""
    found = sensitivity(recommender.decide(_sample(job)))
    columns = ("factor left out", "customers", "other first offer", "other call", "expected value lost")
    rows = tuple(
        (
            row["left_out"],
            row["customers"],
            *(_percent(row[name]) for name in ("changed_offer_rate", "changed_call_rate", "lost_rate")),
        )
        for row in found.to_dicts()
    )
    title = "Sensitivity: one factor of the order left out, a sample of customers"
    return CardTable(title, columns, rows, STABILITY)


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.1%}"


def _sample(job: TrainingJob) -> View:
    """Return a fixed sample of customers at the newest snapshot."""
    history = job.history()
    newest = history.as_of(history.snapshot_dates[-1])
    return sampled_view(newest, max(job.gates.compared_customers, 1), job.project.seed)


def first_offers(recommender: Recommender, view: View) -> dict[str, str]:
    """Return the product that each customer of a view is offered first; who has none is left out."""
    found: dict[str, str] = {}
    for decisions in recommender.decide(view):
        rows, columns = decisions.listed(1)
        ids, products = decisions.customer_ids, decisions.product_ids
        found |= {
            str(ids[row]): products[column]
            for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        }
    return found


def _changed(job: TrainingJob, recommender: Recommender) -> dict[str, float]:
    """Return the share of customers with an offer whose first offer is not the champion's."""
    if job.champion is None or not job.gates.compared_customers:
        return {}
    view = _sample(job)
    champion = Recommender.load(job.champion.folder, job.project.threads, checked=True)
    ours, theirs = first_offers(recommender, view), first_offers(champion, view)
    offered = ours.keys() | theirs.keys()
    if not offered:
        return {CHANGED: 0.0}
    return {CHANGED: sum(ours.get(one) != theirs.get(one) for one in offered) / len(offered)}


def _known(rows: tuple[tuple[Any, ...], ...]) -> tuple[tuple[Any, ...], ...]:
    """Return the rows with None in place of numbers that are none."""
    return tuple(
        tuple(None if isinstance(cell, float) and np.isnan(cell) else cell for cell in row) for row in rows
    )
