"""One LightGBM booster: fitted, scored, explained, stored as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from vipreco.errors import IntegrityError
from vipreco.propensity.settings import BoosterSettings
from vipreco.propensity.slim_lightgbm import lightgbm
from vipreco.propensity.streamed_rows import StreamedRows

Values = NDArray[np.float32]
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Examples:
    """Data of a booster: values (rows, columns), a label and a weight for each row.

    With `start`, log-odds of each row, the trees learn only what these leave over; see `Booster.raw`.
    """

    values: Values | StreamedRows
    labels: NDArray[Any]
    weights: NDArray[np.float32]
    start: Scores | None = None


@dataclass(frozen=True)
class Machine:
    """Seed and number of threads: the same pair gives the same trees, bit for bit."""

    seed: int
    threads: int

    def siblings(self, number: int) -> list[Machine]:
        """Return `number` machines that differ in their seed, this one first."""
        return [Machine(self.seed + 1000 * place, self.threads) for place in range(number)]


@dataclass(frozen=True)
class Booster:
    """A fitted booster that knows its columns and refuses others.

    Args:
        names: Columns that it was fitted on, in order.
        classes: 1 for a probability, more for a distribution over classes.
    """

    names: tuple[str, ...]
    classes: int
    model: lightgbm.Booster
    threads: int

    @classmethod
    def fit(
        cls,
        examples: Examples,
        names: tuple[str, ...],
        settings: BoosterSettings,
        machine: Machine,
        classes: int = 1,
    ) -> Self:
        """Grow a booster; with `classes` over 1 the labels are class numbers."""
        objective: dict[str, Any] = {"objective": "multiclass", "num_class": classes}
        if classes == 1:
            objective = {"objective": "binary"}
        parameters = {**settings.parameters(machine.seed, machine.threads), **objective}
        columns = [f"f{number}" for number in range(len(names))]  # LightGBM refuses names with brackets
        data = lightgbm.Dataset(
            examples.values,
            examples.labels,
            weight=examples.weights,
            init_score=examples.start,
            feature_name=columns,
            params=parameters,
        )
        return cls(names, classes, lightgbm.train(parameters, data, settings.rounds), machine.threads)

    @classmethod
    def from_text(cls, text: str, names: tuple[str, ...], classes: int, threads: int) -> Self:
        """Read a booster from LightGBM's text; the text must come from a verified artifact.

        Raises:
            IntegrityError: The text has another number of columns or classes than the artifact says.
        """
        model = lightgbm.Booster(model_str=text)
        found = (model.num_feature(), model.num_model_per_iteration())
        if found != (len(names), classes):
            raise IntegrityError(
                f"the booster has {found} columns and classes, expected {(len(names), classes)}",
                code="feature-list",
            )
        return cls(names, classes, model, threads)

    def text(self) -> str:
        """Return the model as LightGBM's own text."""
        return str(self.model.model_to_string())

    def gains(self) -> NDArray[np.float64]:
        """Return by how much the splits of each column lower the loss, in sum, shape (columns,)."""
        return np.asarray(self.model.feature_importance("gain"), np.float64)

    def score(self, values: Values) -> Scores:
        """Return probabilities, shape (rows,) or (rows, classes)."""
        if len(values) == 0:
            return np.zeros((0, self.classes) if self.classes > 1 else 0)
        return np.asarray(self.model.predict(values, num_threads=self.threads))

    def raw(self, values: Values) -> Scores:
        """Return the sum of the trees, (rows,) or (rows, classes): log-odds, above the start of its fit."""
        if len(values) == 0:
            return np.zeros((0, self.classes) if self.classes > 1 else 0)
        return np.asarray(self.model.predict(values, raw_score=True, num_threads=self.threads))

    def contributions(self, values: Values, class_number: int = 0) -> Scores:
        """Return what each column adds to the raw score of one class, shape (rows, columns).

        TreeSHAP values (Lundberg, Erion, Lee 2018), as LightGBM computes them; the constant is left out.
        It costs a few hundred times a score: meant for listed offers only.
        """
        width = len(self.names) + 1
        every = np.asarray(self.model.predict(values, pred_contrib=True, num_threads=self.threads))
        start = class_number * width
        return every[:, start : start + width - 1]
