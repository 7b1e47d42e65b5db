"""Reward of another policy, estimated from decisions that were partly left to chance.

Each logged decision has the chance with which it was drawn. A decision that the other policy would have made
more often than the log did counts more, by the ratio of both chances. SNIPS (Swaminathan and Joachims, 2015)
divides by the sum of these weights; the doubly robust estimate adds a model of the reward, fitted on other
customers than those it is used for, and is right if either the chances or the model are.

There is no estimate, and a reason instead, where the log cannot tell: where the other policy wants what the
log could never have drawn, or where a handful of decisions would carry the whole answer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import skew, t as student

from vipreco.errors import UsageError
from vipreco.stats.arrays import Flags, Floats
from vipreco.stats.estimate import Estimate, around
from vipreco.stats.level import LEVEL

Codes = NDArray[np.int64]
MIN_EFFECTIVE = 50.0
MIN_REWARDED = 10.0
MAX_UNSUPPORTED = 0.02
STANDARD_ERRORS = 4.0
FOLDS = 5
PRIOR_DECISIONS = 30.0  # an action drawn as often as this counts half by its own mean
OVERLAP, EFFECTIVE, REWARDED = "overlap", "effective-sample", "acquisitions"


@dataclass(frozen=True)
class LoggedDecisions:
    """Decisions that were drawn by chance, and what came of them.

    Args:
        action: (n,) code of what was done, 0 to `actions` - 1.
        probability: (n,) chance with which it was drawn.
        reward: (n,) acquired or not, or money.
        actions: Number of different actions.
        possible: (n, actions) what could have been drawn; None: everything.
    """

    action: Codes
    probability: Floats
    reward: Floats
    actions: int
    possible: Flags | None = None

    def __post_init__(self) -> None:
        if not len(self.action) == len(self.probability) == len(self.reward):
            raise _wrong("action, probability and reward differ in length", "shape")
        if not ((self.probability > 0) & (self.probability <= 1)).all():
            raise _wrong("a logged chance is not above 0 and at most 1", "probability")
        if len(self.action) and not 0 <= self.action.min() <= self.action.max() < self.actions:
            raise _wrong("an action has no such code", "action")
        if not np.isfinite(self.reward).all():
            raise _wrong("a reward is not a finite number", "reward")


@dataclass(frozen=True)
class OffPolicyEstimate:
    """Mean reward of another policy, estimated two ways, and how much of the log supports it.

    Args:
        snips: Self-normalised inverse propensity estimate.
        doubly_robust: The same with a model of the reward.
        effective: Decisions that would say as much if all counted the same.
        decisions: Decisions in the log.
        unsupported: Share of the policy that the log could never have drawn.
        logged: Mean reward of the log itself, to compare with.
    """

    snips: Estimate
    doubly_robust: Estimate
    effective: float
    decisions: int
    unsupported: float
    logged: float


def off_policy(
    logged: LoggedDecisions, policy: Floats, known: Floats | None = None, seed: int = 0
) -> OffPolicyEstimate:
    """Estimate the mean reward of another policy.

    Args:
        logged: The log.
        policy: (n, actions) chance of each action under the other policy; rows sum to 1.
        known: (n, actions) what was known before and is close to the reward of each action.
        seed: Of the folds of the reward model.

    Raises:
        UsageError: The policy's rows are no chances, or shapes differ.
    """
    _check_policy(logged, policy)
    weight = weights(logged, policy)
    unsupported = _unsupported(logged, policy)
    effective = effective_sample(weight)
    mean = float(logged.reward.mean()) if len(weight) else math.nan
    lacks = _lacks(logged, weight, unsupported)
    if lacks:
        nothing = Estimate(math.nan, lacks=lacks)
        return OffPolicyEstimate(nothing, nothing, effective, len(weight), unsupported, mean)
    predicted = cross_fitted(logged, known, seed)
    return OffPolicyEstimate(
        snips(logged, policy),
        doubly_robust(logged, policy, predicted),
        effective,
        len(weight),
        unsupported,
        mean,
    )


def weights(logged: LoggedDecisions, policy: Floats) -> Floats:
    """Return the weight of each logged decision: its chance under the policy over that under the log."""
    chosen: Floats = policy[np.arange(len(logged.action)), logged.action]
    return chosen / logged.probability


def effective_sample(weight: Floats) -> float:
    """Return Kish's effective sample size; 0 without any weight."""
    squares = float(np.sum(weight**2))
    return float(np.sum(weight)) ** 2 / squares if squares > 0 else 0.0


def rewarded_sample(logged: LoggedDecisions, weight: Floats) -> float:
    """Return the effective sample size of the decisions that brought something."""
    return effective_sample(weight * (logged.reward != 0))


def snips(logged: LoggedDecisions, policy: Floats, level: float = LEVEL) -> Estimate:
    """Return the self-normalised estimate, with an interval by linearisation."""
    weight = weights(logged, policy)
    total = float(weight.sum())
    if total == 0:
        return Estimate(math.nan, lacks=OVERLAP)
    value = float(weight @ logged.reward) / total
    influence = weight * (logged.reward - value) * len(weight) / total
    return _around(value, influence, effective_sample(weight), level)


def doubly_robust(
    logged: LoggedDecisions, policy: Floats, predicted: Floats, level: float = LEVEL
) -> Estimate:
    """Return the doubly robust estimate from a reward model's predictions, shape (n, actions)."""
    rows = np.arange(len(logged.action))
    weight = weights(logged, policy)
    surprise = logged.reward - predicted[rows, logged.action]
    each = np.sum(policy * predicted, axis=1) + weight * surprise
    return _around(float(each.mean()), each, rewarded_sample(logged, weight), level)


def cross_fitted(logged: LoggedDecisions, known: Floats | None, seed: int, folds: int = FOLDS) -> Floats:
    """Return the expected reward of each action, shape (n, actions), by models that have not seen the row.

    The model of an action is its mean reward, drawn towards the mean of all where it was seldom drawn; with
    `known`, times a common slope on it.
    """
    fold = np.random.default_rng(seed).permutation(len(logged.action)) % folds
    predicted = np.empty((len(logged.action), logged.actions))
    for number in range(folds):
        held_out = fold == number
        model = _fitted(logged, known, ~held_out)
        predicted[held_out] = model.predict(None if known is None else known[held_out], int(held_out.sum()))
    return predicted


@dataclass(frozen=True)
class _RewardModel:
    """Expected reward = intercept of the action + slope x what was known."""

    intercept: Floats
    slope: float

    def predict(self, known: Floats | None, rows: int) -> Floats:
        flat: Floats = np.tile(self.intercept, (rows, 1))
        return flat if known is None else flat + self.slope * known


def _fitted(logged: LoggedDecisions, known: Floats | None, rows: Flags) -> _RewardModel:
    action, reward = logged.action[rows], logged.reward[rows]
    feature = np.zeros(len(reward)) if known is None else known[np.flatnonzero(rows), action]
    slope = _slope(feature, reward)
    rest = reward - slope * feature
    number = np.bincount(action, minlength=logged.actions)
    total = np.bincount(action, rest, minlength=logged.actions)
    mean = float(rest.mean()) if len(rest) else 0.0
    return _RewardModel((total + PRIOR_DECISIONS * mean) / (number + PRIOR_DECISIONS), slope)


def _slope(feature: Floats, reward: Floats) -> float:
    away = feature - feature.mean() if len(feature) else feature
    squares = float(away @ away)
    return float(away @ reward) / squares if squares > 0 else 0.0


def _around(value: float, influence: Floats, effective: float, level: float) -> Estimate:
    """Return the interval of a mean: rewards are rare and some weigh much, so it follows their skew."""
    root = math.sqrt(len(influence))
    error = float(influence.std(ddof=1)) / root
    tilt = float(skew(influence)) / root if error > 0 else 0.0
    return around(value, error, float(student.ppf((1 + level) / 2, max(effective - 1, 1))), tilt)


def _unsupported(logged: LoggedDecisions, policy: Floats) -> float:
    """Return the share of the policy that the log could never have drawn, as far as that is on record."""
    if logged.possible is None or len(policy) == 0:
        return 0.0
    return float(np.sum(policy * ~logged.possible)) / len(policy)


def _lacks(logged: LoggedDecisions, weight: Floats, unsupported: float) -> str:
    """Return why the log cannot tell; empty if it can.

    With full overlap the weights are 1 on average, so a mean far below 1 says that something is missing.
    """
    if unsupported > MAX_UNSUPPORTED:
        return OVERLAP
    if effective_sample(weight) < MIN_EFFECTIVE:
        return EFFECTIVE
    if rewarded_sample(logged, weight) < MIN_REWARDED:
        return REWARDED
    error = float(weight.std(ddof=1)) / math.sqrt(len(weight))
    below = float(weight.mean()) < 1 - STANDARD_ERRORS * error
    return OVERLAP if below and float(weight.mean()) < 1 - MAX_UNSUPPORTED else ""


def _check_policy(logged: LoggedDecisions, policy: Floats) -> None:
    if policy.shape != (len(logged.action), logged.actions):
        raise _wrong("the policy needs a row a decision and a column an action", "shape")
    sums = policy.sum(axis=1)
    if (policy < 0).any() or not np.allclose(sums, 1, atol=1e-6):
        raise _wrong("the policy's chances must not be negative and sum to 1 in each row", "policy")


def _wrong(what: str, code: str) -> UsageError:
    return UsageError(what, where="off-policy", code=code)
