"""Learners of uplift: one protocol, three ways to get a difference out of boosters.

S, T and X in the words of Künzel, Sekhon, Bickel, Yu (2019). Who was treated is known to be by lot, with a
known chance: nothing is estimated about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from vipreco.errors import InputRejectedError
from vipreco.propensity import Booster, Machine
from vipreco.uplift.rows import Floats, Mask, RandomisedRows
from vipreco.uplift.settings import UpliftSettings
from vipreco.uplift.stopped_booster import BoosterData, stopping_rows, train_booster

Values = NDArray[np.float32]
TREATED: Final = "treated"


@dataclass(frozen=True)
class LearnerContext:
    """Everything that fits share: columns, settings, seed and threads."""

    names: tuple[str, ...]
    settings: UpliftSettings
    machine: Machine


class Learner(Protocol):
    """Fitted on a randomised design, it tells what a treatment adds to the chance of an outcome."""

    @classmethod
    def fit(cls, rows: RandomisedRows, context: LearnerContext) -> Self:
        """Fit on rows in any order; the same rows, seed and threads give the same boosters."""
        ...

    def uplift(self, values: Values) -> Floats:
        """Return the added chance, shape (n,)."""
        ...

    @property
    def boosters(self) -> Mapping[str, Booster]:
        """Return the boosters by part: all that is to be stored beside `treated_rate`."""
        ...

    @property
    def treated_rate(self) -> float:
        """Return the share of treated rows in the fit."""
        ...

    @classmethod
    def of(cls, boosters: Mapping[str, Booster], treated_rate: float) -> Self:
        """Return the learner with these boosters."""
        ...


@dataclass(frozen=True)
class SLearner:
    """A single booster sees the treatment as one more column."""

    booster: Booster
    treated_rate: float

    @classmethod
    def fit(cls, rows: RandomisedRows, context: LearnerContext) -> Self:
        """Fit on both arms at once."""
        rows = checked(rows)
        values = with_column(rows.values, rows.treated)
        data = BoosterData(values, rows.outcome, rows.weights, unseen_of(rows, context))
        names, settings = (*context.names, TREATED), context.settings
        booster = train_booster(data, names, settings.outcome, settings.patience, context.machine)
        return cls(booster, float(rows.treated.mean()))

    def uplift(self, values: Values) -> Floats:
        """Return the chance with the column on, less the chance with the column off."""
        on, off = (with_column(values, np.full(len(values), flag)) for flag in (True, False))
        return self.booster.score(on) - self.booster.score(off)

    @property
    def boosters(self) -> Mapping[str, Booster]:
        """Return the one booster."""
        return {"both": self.booster}

    @classmethod
    def of(cls, boosters: Mapping[str, Booster], treated_rate: float) -> Self:
        """Return the learner with this booster."""
        return cls(boosters["both"], treated_rate)


@dataclass(frozen=True)
class TLearner:
    """Two boosters, one an arm."""

    treated: Booster
    untreated: Booster
    treated_rate: float

    @classmethod
    def fit(cls, rows: RandomisedRows, context: LearnerContext) -> Self:
        """Fit each arm by itself."""
        rows = checked(rows)
        unseen = unseen_of(rows, context)
        treated, untreated = (outcome_of_arm(rows, unseen, arm, context) for arm in (True, False))
        return cls(treated, untreated, float(rows.treated.mean()))

    def uplift(self, values: Values) -> Floats:
        """Return the chance of the treated, less the chance of the untreated."""
        return self.treated.score(values) - self.untreated.score(values)

    @property
    def boosters(self) -> Mapping[str, Booster]:
        """Return the boosters of both arms."""
        return {"treated": self.treated, "untreated": self.untreated}

    @classmethod
    def of(cls, boosters: Mapping[str, Booster], treated_rate: float) -> Self:
        """Return the learner with these boosters."""
        return cls(boosters["treated"], boosters["untreated"], treated_rate)


@dataclass(frozen=True)
class XLearner:
    """Two boosters of the difference itself: each arm's outcomes against what the other arm lets expect."""

    on_treated: Booster
    on_untreated: Booster
    treated_rate: float

    @classmethod
    def fit(cls, rows: RandomisedRows, context: LearnerContext) -> Self:
        """Fit the outcomes of both arms, then the differences."""
        rows = checked(rows)
        unseen, arms = unseen_of(rows, context), TLearner.fit(rows, context)
        on_treated = rows.outcome - arms.untreated.score(rows.values)
        on_untreated = arms.treated.score(rows.values) - rows.outcome
        return cls(
            _difference(rows, on_treated, unseen, True, context),
            _difference(rows, on_untreated, unseen, False, context),
            float(rows.treated.mean()),
        )

    def uplift(self, values: Values) -> Floats:
        """Return both differences, weighed by the share of the other arm."""
        rate = self.treated_rate
        return rate * self.on_untreated.score(values) + (1 - rate) * self.on_treated.score(values)

    @property
    def boosters(self) -> Mapping[str, Booster]:
        """Return the boosters of the differences; those of the outcomes are needed no more."""
        return {"on-treated": self.on_treated, "on-untreated": self.on_untreated}

    @classmethod
    def of(cls, boosters: Mapping[str, Booster], treated_rate: float) -> Self:
        """Return the learner with these boosters."""
        return cls(boosters["on-treated"], boosters["on-untreated"], treated_rate)


LEARNERS: Final[dict[str, type[Learner]]] = {"s": SLearner, "t": TLearner, "x": XLearner}
"""The learners by name, the simplest first."""


def response(rows: RandomisedRows, context: LearnerContext) -> Booster:
    """Fit who answers, whether treated or not: the order that a learner has to beat.

    Raises:
        InputRejectedError: An arm has no outcome, or nothing but outcomes.
    """
    rows = checked(rows)
    data = BoosterData(rows.values, rows.outcome, rows.weights, unseen_of(rows, context))
    return train_booster(
        data, context.names, context.settings.outcome, context.settings.patience, context.machine
    )


def checked(rows: RandomisedRows) -> RandomisedRows:
    """Return the rows in an order of their own.

    Raises:
        InputRejectedError: An arm has no outcome, or nothing but outcomes.
    """
    if not rows.enough:
        raise InputRejectedError(
            "an arm has no outcome, or nothing but outcomes: no difference can be learnt",
            remedy="wait for more outcomes, or use a longer window",
            code="one-sided",
        )
    return rows.ordered()


def unseen_of(rows: RandomisedRows, context: LearnerContext) -> Mask:
    """Return the rows that only say when to stop, shape (n,)."""
    return stopping_rows(rows.customer_ids, context.settings, context.machine.seed)


def outcome_of_arm(rows: RandomisedRows, unseen: Mask, arm: bool, context: LearnerContext) -> Booster:
    """Fit the chance of the outcome in one arm."""
    settings = context.settings
    data = BoosterData(rows.values, rows.outcome, rows.weights, unseen).take(rows.treated == arm)
    return train_booster(data, context.names, settings.outcome, settings.patience, context.machine)


def with_column(values: Values, flags: Mask) -> Values:
    """Return the values with one more column of 0 and 1."""
    return np.column_stack([values, flags.astype(np.float32)])


def _difference(
    rows: RandomisedRows, difference: Floats, unseen: Mask, arm: bool, context: LearnerContext
) -> Booster:
    settings = context.settings
    data = BoosterData(rows.values, difference, rows.weights, unseen).take(rows.treated == arm)
    return train_booster(
        data, context.names, settings.effect, settings.patience, context.machine, "regression"
    )
