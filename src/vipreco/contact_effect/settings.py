"""Settings of learning what contacts do."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from vipreco.propensity import BoosterSettings
from vipreco.settings import Section

Positive = Annotated[float, Field(gt=0.0)]


class EffectLearning(Section):
    """Settings of the effects that a fit learns from the bank's contacts.

    Args:
        folds: Groups of customers; the chances of each come from boosters that saw the others. 0: nothing is
            learnt, and effects are those of the settings.
        max_rows: Rows without acquisition and contact beyond this number are sampled and weighted.
        min_acquisitions: A channel with fewer acquisitions after contacts keeps the prior.
        deviation: Standard deviation, on the log-hazard, of a channel's effect around the prior.
        product: Booster of the shares of products.
        any: Booster of the chance to acquire anything.
        leave_out: Features that these boosters do not see.
    """

    folds: Annotated[int, Field(ge=0, le=20)] = 2
    max_rows: Annotated[int, Field(ge=1000)] = 60_000
    min_acquisitions: Annotated[int, Field(ge=1)] = 5
    deviation: Positive = 1.0
    product: BoosterSettings = BoosterSettings(rounds=40, learning_rate=0.15)
    any: BoosterSettings = BoosterSettings(rounds=60, learning_rate=0.1, feature_fraction=0.3)
    leave_out: tuple[str, ...] = (
        "contacts_*",
        "days_since_contact",
        "last_outcome",
        "last_channel",
        "offered_180_days",
        "days_since_offered",
        "times_declined",
    )
