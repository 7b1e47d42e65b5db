"""Fitting, as a sequence of stages: products, columns, rows, collaborative filtering, models, base rates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vipreco.catalog import Catalog
from vipreco.collaborative import SOURCES, CoHoldings, Source, holding_state, segment_values
from vipreco.features import FeatureSet
from vipreco.policy import Policy
from vipreco.propensity import (
    AcquisitionModel,
    CollaborativeFiltering,
    FitContext,
    LabelledRows,
    Machine,
    RelationshipModel,
)
from vipreco.recommender.changes import ChangeGatherer, change_dates, fit_relationship
from vipreco.recommender.contact_rows import fit_contact_effects
from vipreco.recommender.fitted import Fitted
from vipreco.recommender.labelled_rows import Gatherer, Panel, kept_columns
from vipreco.recommender.settings import RecommenderSettings

Step = Callable[[str], None]


def silent(_: str) -> None:
    """Report no progress."""


@dataclass(frozen=True)
class TrainingData:
    """Labelled panels for a fit.

    Args:
        acquirers: Panel whose acquirers teach which product; its newest date also gives the catalogue.
        rates: Panel with an unbiased sample of customers, which teaches how often anything is acquired;
            None if `acquirers` itself holds everybody.
    """

    acquirers: Panel
    rates: Panel | None = None


def fit(
    training_data: TrainingData,
    features: FeatureSet,
    settings: RecommenderSettings,
    machine: Machine,
    step: Step = silent,
    policy: Policy | None = None,
) -> Fitted:
    """Fit everything on the labelled as-of dates of a training_data.

    Args:
        training_data: Panels of labelled as-of dates.
        features: Feature definitions of the project.
        settings: The recipe.
        machine: Seed and threads.
        step: Told the name of each stage as it begins.
        policy: The rules in force; by default those of the settings.

    Raises:
        InputRejectedError: No labels within the horizon.
    """
    panel, newest = training_data.acquirers, training_data.acquirers.views()[-1]
    step("features")
    product_ids = tuple(Catalog.from_view(newest).product_ids)
    computed = features.compute(newest, product_ids)
    vocabulary = features.learn_vocabulary(computed)
    names = tuple(computed.encoded(vocabulary).names)
    kept = kept_columns(names, settings.leave_out)
    gatherer = Gatherer(features, vocabulary, product_ids, kept, settings, machine.seed)
    step("labelled rows")
    rows = gatherer.rows(panel)
    rates = gatherer.rows(training_data.rates) if training_data.rates else None
    step("propensity")
    state = holding_state(panel.history.as_of(panel.as_of[-1]), product_ids, segment_values(newest))
    filtering = CollaborativeFiltering(
        _sources_ever(panel, product_ids, settings),
        product_ids,
        Catalog.from_view(newest).families,
        tuple(vocabulary.categories),
    )
    context = FitContext(tuple(names[column] for column in kept), settings.propensity, machine, filtering)
    model = AcquisitionModel.fit(rows, context, rates)
    step("what contacts add")
    sampled = (panel, rows) if rates is None or not training_data.rates else (training_data.rates, rates)
    effects = fit_contact_effects(*sampled, product_ids, filtering.families, context, settings)
    relationship = _fit_relationship(training_data, gatherer, machine, step)
    relationship = relationship.among(context.names) if relationship else None
    return Fitted(
        product_ids=product_ids,
        names=context.names,
        kept=kept,
        vocabulary=vocabulary,
        features=features,
        model=model,
        source=SOURCES[settings.source]().fit(state),
        base_rates=base_rates(rows if rates is None else rates),
        segments=segment_values(newest),
        settings=settings,
        as_of=panel.as_of,
        snapshot_id=panel.history.snapshot_id,
        policy=policy or Policy.read(settings.policy),
        relationship=relationship,
        co_holdings=CoHoldings.of(state),
        effects=effects,
    )


def _fit_relationship(
    training_data: TrainingData, gatherer: Gatherer, machine: Machine, step: Step
) -> RelationshipModel | None:
    """Fit attrition and tier upgrade on dates whose labels end no later than those of acquisitions."""
    panel, settings = training_data.rates or training_data.acquirers, gatherer.settings
    if not gatherer.features.ladder.ladder or not settings.relationship_horizon_months:
        return None
    step("attrition and tier upgrades")
    newest = panel.as_of[-1]
    until = panel.history.label_window(newest, settings.horizon_months, settings.gap_months)[1]
    days = change_dates(settings, panel.history.snapshot_dates, until)
    if not days:
        return None
    changes = ChangeGatherer.of(gatherer.features, gatherer.vocabulary, settings, gatherer.seed)
    return fit_relationship(changes, replace(panel, as_of=days), machine)


def base_rates(rows: LabelledRows) -> NDArray[np.float64]:
    """Return the share of customers who acquired each product, shape (P,)."""
    weights = rows.weights.astype(np.float64)
    return np.asarray(weights @ rows.acquired / weights.sum())


def _sources_ever(
    panel: Panel, product_ids: tuple[str, ...], settings: RecommenderSettings
) -> dict[np.datetime64, Source]:
    """Fit collaborative filtering over everything that was ever held at each as-of date; no label is seen.

    What was ever held says more about what comes next than what is held; a reason has to name a product that
    the customer still has, so reasons have a source of their own.
    """
    found: dict[np.datetime64, Source] = {}
    for day in panel.as_of:
        now = holding_state(panel.history.as_of(day), product_ids)
        ever = replace(now, held=now.held | now.held_before, held_before=np.zeros_like(now.held))
        found[np.datetime64(day, "D")] = SOURCES[settings.source]().fit(ever)
    return found
