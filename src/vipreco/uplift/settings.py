"""Settings of the learners of uplift; every value can be set in a recipe."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from vipreco.propensity import BoosterSettings
from vipreco.settings import Section

SMALL = BoosterSettings(
    rounds=400,
    learning_rate=0.03,
    num_leaves=6,
    min_data_in_leaf=100,
    feature_fraction=0.7,
    bagging_fraction=0.7,
    lambda_l2=20.0,
)
SMALLER = SMALL.model_copy(update={"num_leaves": 4, "min_data_in_leaf": 200})


class UpliftSettings(Section):
    """Settings of the learners.

    Args:
        outcome: Boosters of the chance of the outcome: few cases, hence small trees.
        effect: Boosters of the difference itself (X-learner).
        stopping_folds: One of so many groups of customers says, unseen, how many trees are enough.
        patience: Trees without a gain on that group before the training stops.
    """

    outcome: BoosterSettings = SMALL
    effect: BoosterSettings = SMALLER
    stopping_folds: Annotated[int, Field(ge=2, le=20)] = 5
    patience: Annotated[int, Field(ge=1, le=1000)] = 40
