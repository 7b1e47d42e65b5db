"""Settings of uplift in a recipe, under `[uplift]`."""

from __future__ import annotations

from typing import Annotated

from pydantic import AliasChoices, Field

from vipreco.propensity import RelationshipSettings
from vipreco.settings import Section
from vipreco.uplift import UpliftSettings


class TrialSettings(Section):
    """Settings of the learning of uplift from finished campaigns, and of its evaluation.

    Args:
        folds: Groups of customers; each is scored by what was chosen and fitted on the others.
        resamples: Bootstrap resamples of customers for the intervals.
        min_cases: Acquisitions that each arm must have; with fewer nothing is learnt.
        leave_out: Features, or patterns of features (`*`), that the learners do not see: with few cases,
            codes of branches and baskets teach chance.
        learners: Settings of the boosters.
    """

    folds: Annotated[int, Field(ge=2, le=10)] = 3
    resamples: Annotated[int, Field(ge=50, le=10_000)] = 300
    min_cases: Annotated[int, Field(ge=5, validation_alias=AliasChoices("min_cases", "least_cases"))] = 30
    leave_out: tuple[str, ...] = RelationshipSettings().leave_out
    learners: UpliftSettings = UpliftSettings()
