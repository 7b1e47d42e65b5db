"""The recommender as its users see it: fit, decide, save, load."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vipreco.arbitration import SlateRules
from vipreco.artifact import GOLDEN_ROWS, Manifest
from vipreco.catalog import Catalog
from vipreco.collaborative import CoHoldings, Source
from vipreco.columns import CUSTOMER_ID
from vipreco.contact_effect import ContactEffects
from vipreco.features import ComputedFeatures, FeatureMatrix, FeatureSet, Vocabulary
from vipreco.history import View, window
from vipreco.policy import Policy
from vipreco.propensity import AcquisitionModel, Machine, RelationshipModel
from vipreco.recommender import storage
from vipreco.recommender.collaborative_part import Part, collaborative_part
from vipreco.recommender.decision_stages import (
    DEFAULT_CHANNEL,
    DecisionContext,
    decide,
    decision_context,
    slate_rules,
)
from vipreco.recommender.decisions import Decisions
from vipreco.recommender.fit_stages import Step, TrainingData, fit, silent
from vipreco.recommender.fitted import Fitted
from vipreco.recommender.inspection import check_age, check_hindsight
from vipreco.recommender.product_evidence import ProductEvidence
from vipreco.recommender.settings import RecommenderSettings
from vipreco.settings import ArbitrationSettings
from vipreco.uplift import UpliftModel


class Recommender:
    """Ranked and allowed offers for every customer of a bank, as of a date."""

    def __init__(self, fitted: Fitted, opened: Recommender | None = None) -> None:
        self.fitted = fitted
        # Kept alive, so that whoever opens the same model again takes it (`open_models`).
        self._opened = opened

    @classmethod
    def fit(
        cls,
        training_data: TrainingData,
        features: FeatureSet,
        settings: RecommenderSettings,
        machine: Machine,
        step: Step = silent,
        policy: Policy | None = None,
    ) -> Self:
        """Fit on labelled as-of dates; the same tables, recipe, seed and threads give the same artifact.

        Raises:
            InputRejectedError: No labels within the horizon.
        """
        return cls(fit(training_data, features, settings, machine, step, policy))

    @classmethod
    def load(cls, folder: Path, threads: int, *, checked: bool = False) -> Self:
        """Verify and load an artifact.

        Args:
            folder: The artifact.
            threads: How many a score may take.
            checked: Whether it was verified just now, and was loaded with all checks before.

        Raises:
            IntegrityError: A file is not what the manifest says, or the parts do not fit together.
        """
        return cls(storage.load(folder, threads, checked=checked))

    def save(self, folder: Path, metrics: Mapping[str, Any], view: View) -> Manifest:
        """Write the artifact, all of it or none; some rows of `view` become its golden scores."""
        return storage.save(self.fitted, folder, metrics, self._golden_rows(view))

    def write(self, folder: Path) -> None:
        """Write the artifact for tasks that score with it; it has no metrics, and no customer's rows."""
        storage.save(self.fitted, folder, {}, np.zeros((1, len(self.names)), np.float32))

    def check_age(self, newest: date, limit: timedelta | None, where: str) -> str:
        """Return what is odd about the age of the model beside the newest snapshot, or nothing.

        Raises:
            IntegrityError: It is older than the limit.
        """
        return check_age(self.fitted.as_of[-1], newest, limit, where)

    @property
    def learnt_until(self) -> date:
        """The last day whose acquisitions it learnt from."""
        settings = self.settings
        return window(self.fitted.as_of[-1], settings.horizon_months, settings.gap_months)[1]

    def check_hindsight(self, day: date, *, allowed: bool) -> str:
        """Return what has to be said of lists of `day`, or nothing where it learnt nothing that came later.

        Raises:
            UsageError: It learnt what happened after `day`, and hindsight is not allowed.
        """
        return check_hindsight(self.learnt_until, day, allowed=allowed)

    def _with(self, changed: Fitted) -> Self:
        return type(self)(changed, self._opened or self)

    def with_policy(self, policy: Policy) -> Self:
        """Return the same models under other rules: compliance changes rules without a new fit."""
        return self._with(replace(self.fitted, policy=policy))

    def arbitrated(self, settings: ArbitrationSettings) -> Self:
        """Return the same models under other values, context, levers and slates, without a new fit."""
        changed = self.fitted.settings.model_copy(update={"arbitration": settings})
        return self._with(replace(self.fitted, settings=changed))

    def with_features(self, features: FeatureSet) -> Self:
        """Return the same models on features that are computed in another way."""
        return self._with(replace(self.fitted, features=features))

    def with_uplift(self, uplift: UpliftModel | None) -> Self:
        """Return the same models with another model of what an offer adds."""
        return self._with(replace(self.fitted, uplift=uplift))

    def context(
        self, view: View, channel: str = DEFAULT_CHANNEL, ruled: View | None = None
    ) -> DecisionContext:
        """Compute features, holdings and the rules' facts of all customers of a view.

        Args:
            view: What was known at a date.
            channel: Of the offers.
            ruled: The same customers on the day at which the rules look; None: on that of the view.
        """
        return decision_context(self.fitted, view, channel, ruled)

    def decisions(self, known: DecisionContext) -> Iterator[Decisions]:
        """Give the decision frame of the customers of a context, in chunks, ordered by customer."""
        return decide(self.fitted, known)

    def decide(self, view: View, channel: str = DEFAULT_CHANNEL) -> Iterator[Decisions]:
        """Give the decision frame of all customers of a view, in chunks, ordered by customer."""
        return self.decisions(self.context(view, channel))

    def slate_rules(self, catalog: Catalog) -> SlateRules:
        """Return the shape of a customer's list by the recipe."""
        return slate_rules(self.fitted, catalog)

    def compute(self, view: View, customers: pa.Array | None = None) -> ComputedFeatures:
        """Return the features of the customers of a view, or of some of them, in the columns of the fit."""
        computed = self.fitted.features.compute(view, self.product_ids, customers)
        return computed.encoded(self.fitted.vocabulary)

    def propensities(self, matrix: FeatureMatrix) -> NDArray[np.float64]:
        """Return P(acquire) for each customer of a chunk and each product of the fit, shape (n, P)."""
        return self.fitted.propensities(matrix)

    def columns_of(self, matrix: FeatureMatrix) -> NDArray[np.float32]:
        """Return the columns that the boosters see, shape (n, k)."""
        return self.fitted.columns_of(matrix)

    def blank_of(self, computed: ComputedFeatures) -> NDArray[np.float32]:
        """Return the columns that the boosters see of a customer of whom nothing is known, shape (k,)."""
        return computed.blank[self.fitted.kept]

    def collaborative_part(self, known: DecisionContext) -> dict[str, Part]:
        """Return what collaborative filtering adds to each product, for the one customer of a context."""
        return collaborative_part(self.fitted, known)

    @property
    def as_of_dates(self) -> tuple[date, ...]:
        """As-of dates that it learnt from, oldest first."""
        return self.fitted.as_of

    @property
    def product_ids(self) -> tuple[str, ...]:
        """Products that can be scored."""
        return self.fitted.product_ids

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns that the boosters see."""
        return self.fitted.names

    @property
    def features(self) -> FeatureSet:
        """Feature definitions of the fit."""
        return self.fitted.features

    @property
    def vocabulary(self) -> Vocabulary:
        """Columns and categories of the fit."""
        return self.fitted.vocabulary

    @property
    def model(self) -> AcquisitionModel:
        """The acquisition model."""
        return self.fitted.model

    @property
    def source(self) -> Source:
        """Collaborative filtering over holdings, for reasons by co-holding."""
        return self.fitted.source

    @property
    def co_holdings(self) -> CoHoldings | None:
        """Customers who hold products together; None in artifacts of before."""
        return self.fitted.co_holdings

    @property
    def acquisitions(self) -> NDArray[np.int64]:
        """Acquisitions of each product that its chance was learnt from, shape (P,)."""
        return self.fitted.model.acquisitions

    @cached_property
    def evidence(self) -> Mapping[str, ProductEvidence]:
        """Evidence behind the chances of each product, by its id."""
        thin = self.fitted.model.thin_evidence.tolist()
        parts = zip(self.base_rates.tolist(), self.acquisitions.tolist(), thin, strict=True)
        return dict(zip(self.product_ids, (ProductEvidence(*part) for part in parts), strict=True))

    @property
    def base_rates(self) -> NDArray[np.float64]:
        """Share of observed customers who acquired each product: the propensity without a profile."""
        return self.fitted.base_rates

    @property
    def segments(self) -> tuple[str, ...]:
        """Tiers in the order of their codes."""
        return self.fitted.segments

    @property
    def settings(self) -> RecommenderSettings:
        """The recipe's settings."""
        return self.fitted.settings

    @property
    def contact_effects(self) -> ContactEffects:
        """Effects of contacts that are in force."""
        return self.fitted.contact_effects

    @property
    def warnings(self) -> tuple[str, ...]:
        """Gates that the model does not pass; empty where it passes all of them."""
        return self.fitted.warnings

    @property
    def policy(self) -> Policy:
        """The rules in force."""
        return self.fitted.policy

    @property
    def relationship(self) -> RelationshipModel | None:
        """The models of attrition and tier upgrade, if they were fitted."""
        return self.fitted.relationship

    @property
    def uplift(self) -> UpliftModel | None:
        """The model of what an offer adds, if one was fitted."""
        return self.fitted.uplift

    def _golden_rows(self, view: View) -> NDArray[np.float32]:
        """Return the rows of the first customers of a view; nobody else's features are computed."""
        first = view.population()[CUSTOMER_ID][:GOLDEN_ROWS].combine_chunks()
        matrix = self.compute(view, first).matrix()
        return np.ascontiguousarray(matrix.values[:, self.fitted.kept])
