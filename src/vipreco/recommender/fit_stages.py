"""Fitting, as a sequence of stages: products, columns, rows, collaborative filtering, models, base rates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vipreco.catalog import Catalog
from vipreco.collaborative import SOURCES, CoHoldings, Source
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
from vipreco.recommender.contact_rows import ContactRows, fit_contact_effects, learns_contacts
from vipreco.recommender.fitted import Fitted
from vipreco.recommender.holding_states import HoldingFlags, HoldingStates, holding_states
from vipreco.recommender.label_arrays import kept_columns
from vipreco.recommender.labelled_rows import Gatherer
from vipreco.recommender.newest_columns import NewestColumns
from vipreco.recommender.panels import Panel
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
    panel = training_data.acquirers
    step("features")
    newest = NewestColumns.of(panel, features)
    product_ids, vocabulary = newest.product_ids, features.vocabulary_of(newest.columns)
    names = vocabulary.columns(product_ids)
    kept = kept_columns(names, settings.leave_out)
    gatherer = Gatherer(features, vocabulary, product_ids, kept, settings, machine.seed)
    step("labelled rows")
    rows, rates, contacts = _gathered(training_data, gatherer)
    step("propensity")
    with holding_states(panel, HoldingFlags(product_ids, newest.segments)) as states:
        state = states.at(len(panel.as_of) - 1)
        sources = _sources_ever(panel, states, settings)
    filtering = CollaborativeFiltering(
        sources, product_ids, newest.families, tuple(vocabulary.categories), _launched(panel, product_ids)
    )
    context = FitContext(tuple(names[column] for column in kept), settings.propensity, machine, filtering)
    model = AcquisitionModel.fit(rows, context, rates)
    step("what contacts add")
    sampled = rows if rates is None else rates
    effects = fit_contact_effects(sampled, contacts, product_ids, filtering.families, context, settings)
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
        segments=newest.segments,
        settings=settings,
        as_of=panel.as_of,
        snapshot_id=panel.history.snapshot_id,
        policy=policy or Policy.read(settings.policy),
        relationship=relationship,
        co_holdings=CoHoldings.of(state),
        effects=effects,
    )


def _launched(panel: Panel, product_ids: tuple[str, ...]) -> dict[np.datetime64, NDArray[np.bool_]]:
    """Return which products were there at each date, by the catalog that the newest date knows.

    One that was there at any of the dates counts as there at all of them: with months of evidence, leaving
    out those before the launch made the chances no better (experiment 013).
    """
    newest = panel.as_of[-1]
    catalog = Catalog.from_view(panel.history.as_of(newest))
    there = catalog.launched(newest)[catalog.indices(product_ids)]
    return {np.datetime64(day, "D"): there for day in panel.as_of}


def _gathered(
    training_data: TrainingData, gatherer: Gatherer
) -> tuple[LabelledRows, LabelledRows | None, ContactRows | None]:
    """Return the rows of both panels, and the contacts beside those that are an unbiased sample."""
    panel, sample = training_data.acquirers, training_data.rates
    learns = learns_contacts(sample or panel, gatherer.settings)
    rows, contacts = gatherer.rows_and_contacts(panel, with_contacts=learns and sample is None)
    if sample is None:
        return rows, None, contacts
    rates, contacts = gatherer.rows_and_contacts(sample, with_contacts=learns)
    return rows, rates, contacts


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
    panel: Panel, states: HoldingStates, settings: RecommenderSettings
) -> dict[np.datetime64, Source]:
    """Fit collaborative filtering over everything that was ever held at each as-of date; no label is seen.

    What was ever held says more about what comes next than what is held; a reason has to name a product that
    the customer still has, so reasons have a source of their own.
    """
    return {
        np.datetime64(day, "D"): SOURCES[settings.source]().fit(states.ever(place))
        for place, day in enumerate(panel.as_of)
    }
