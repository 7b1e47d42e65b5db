"""Settings of the recommender in a recipe."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from vipreco.contact_effect import EffectLearning
from vipreco.propensity import PropensitySettings, RelationshipSettings
from vipreco.settings import ArbitrationSettings, PolicySettings, Section

SourceName: TypeAlias = Literal["ease", "item-item-bm25", "item-item-cosine", "implicit-als"]


class RecommenderSettings(Section):
    """Everything that decides what a fit on given tables gives, but seed and threads.

    Args:
        horizon_months: Length of the window in which an acquisition counts.
        gap_months: Months between the as-of date and the window.
        relationship_horizon_months: Length of the window, after the as-of date, in which a customer closes
            or rises; 0 = these models are not fitted.
        source: Collaborative filtering: enters every propensity, and gives reasons by co-holding.
        leave_out: Features, or patterns of features (`*`), that the boosters do not see.
        chunk_customers: Customers that are scored at once; bounds the memory.
        propensity: The acquisition model.
        contact_effect: How effects of contacts are learnt.
        relationship: The models of attrition and tier upgrades.
        arbitration: What offers are ordered by.
        policy: Which rules are in force.
    """

    horizon_months: Annotated[int, Field(ge=1, le=24)] = 1
    gap_months: Annotated[int, Field(ge=0, le=12)] = 0
    relationship_horizon_months: Annotated[int, Field(ge=0, le=24)] = 3
    source: SourceName = "ease"
    leave_out: tuple[str, ...] = ()
    chunk_customers: Annotated[int, Field(ge=100)] = 50_000
    propensity: PropensitySettings = PropensitySettings()
    contact_effect: EffectLearning = EffectLearning()
    relationship: RelationshipSettings = RelationshipSettings()
    arbitration: ArbitrationSettings = ArbitrationSettings()
    policy: PolicySettings = PolicySettings()
