"""Everything that a fit leaves behind, and how it scores a chunk of customers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from vipreco.collaborative import CoHoldings, Source
from vipreco.contact_effect import ContactEffects, LearntEffects
from vipreco.features import FeatureMatrix, FeatureSet, Vocabulary
from vipreco.policy import Policy
from vipreco.propensity import ATTRITION, CHANGES, AcquisitionModel, RelationshipModel
from vipreco.recommender.settings import RecommenderSettings
from vipreco.uplift import UpliftModel, incremental


@dataclass(frozen=True)
class Fitted:
    """A fitted recommender: products, columns, models.

    Args:
        product_ids: Products that it can score, shape (P,).
        names: Columns that the boosters see, shape (k,).
        kept: Their positions among all feature columns, shape (k,).
        vocabulary: Columns and categories of the fit.
        features: Feature definitions of the fit.
        model: The acquisition model.
        source: Collaborative filtering over what is held, for reasons by co-holding.
        base_rates: Share of observed customers who acquired each product, shape (P,); the
            non-personalised propensity.
        segments: Tiers in the order of their codes.
        settings: The recipe's settings.
        as_of: As-of dates that were learnt from, oldest first.
        snapshot_id: The tables that were learnt from.
        policy: The rules in force.
        relationship: The models of attrition and tier upgrades; None without a ladder of tiers, or where the
            history shows too little.
        uplift: What an offer adds to the chance of an acquisition; None unless finished campaigns had a
            control group and it beat propensity there.
        warnings: Gates that the model does not pass; whoever uses its lists has to be told.
        effects: Effects of contacts that were learnt; None where contacts were too few, and in artifacts of
            before.
        co_holdings: Customers who hold products together, for the counts in reasons; artifacts of before
            have none.
    """

    product_ids: tuple[str, ...]
    names: tuple[str, ...]
    kept: NDArray[np.int64]
    vocabulary: Vocabulary
    features: FeatureSet
    model: AcquisitionModel
    source: Source
    base_rates: NDArray[np.float64]
    segments: tuple[str, ...]
    settings: RecommenderSettings
    as_of: tuple[date, ...]
    snapshot_id: str
    policy: Policy
    relationship: RelationshipModel | None = None
    uplift: UpliftModel | None = None
    warnings: tuple[str, ...] = ()
    co_holdings: CoHoldings | None = None
    effects: LearntEffects | None = None

    @property
    def contact_effects(self) -> ContactEffects:
        """Effects of contacts that are in force."""
        return ContactEffects(self.settings.arbitration.contact_effects, self.effects)

    def propensities(self, matrix: FeatureMatrix) -> NDArray[np.float64]:
        """Return P(acquire) for each customer of a chunk and each product of the fit, shape (n, P)."""
        return self.model.propensities(self.columns_of(matrix))

    def golden_scores(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return every score of rows of booster columns: products, and whatever else is fitted."""
        model, everybody = self.relationship, np.ones(len(values), bool)
        changes = [change for change in (ATTRITION, *CHANGES) if model and model.model(change)]
        scores = [model.probabilities(change, values, everybody) for change in changes] if model else []
        chances = self.model.propensities(values)
        added = [incremental(self.uplift, values, chances, self.product_ids)] if self.uplift else []
        return np.column_stack([chances, *scores, *added])

    def columns_of(self, matrix: FeatureMatrix) -> NDArray[np.float32]:
        """Return the columns that the boosters see, shape (n, k); without a copy where these are all."""
        if len(self.kept) == len(matrix.names):
            return matrix.values
        return np.take(matrix.values, self.kept, axis=1)
