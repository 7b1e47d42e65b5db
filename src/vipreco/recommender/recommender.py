"""The recommender as its users see it: fit, decide, save, load."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from vipreco.artifact import Manifest
from vipreco.features import FeatureSet
from vipreco.history import View
from vipreco.policy import Policy
from vipreco.propensity import Machine
from vipreco.recommender import storage
from vipreco.recommender.decision_stages import DEFAULT_CHANNEL, decide, decision_context
from vipreco.recommender.decisions import Decisions
from vipreco.recommender.fit_stages import Step, TrainingData, fit, silent
from vipreco.recommender.fitted import Fitted
from vipreco.recommender.settings import RecommenderSettings
from vipreco.settings import ArbitrationSettings


class Recommender:
    """Ranked and allowed offers for every customer of a bank, as of a date."""

    def __init__(self, fitted: Fitted) -> None:
        self.fitted = fitted

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

    def with_policy(self, policy: Policy) -> Self:
        """Return the same models under other rules: compliance changes rules without a new fit."""
        return type(self)(replace(self.fitted, policy=policy))

    def arbitrated(self, settings: ArbitrationSettings) -> Self:
        """Return the same models under other values, context, levers and slates, without a new fit."""
        changed = self.fitted.settings.model_copy(update={"arbitration": settings})
        return type(self)(replace(self.fitted, settings=changed))

    def decide(self, view: View, channel: str = DEFAULT_CHANNEL) -> Iterator[Decisions]:
        """Give the decision frame of all customers of a view, in chunks, ordered by customer."""
        return decide(self.fitted, decision_context(self.fitted, view, channel))

    def _golden_rows(self, view: View) -> NDArray[np.float32]:
        computed = self.fitted.features.compute(view, self.fitted.product_ids)
        matrix = computed.encoded(self.fitted.vocabulary).matrix(0, 50)
        return np.ascontiguousarray(matrix.values[:, self.fitted.kept])
