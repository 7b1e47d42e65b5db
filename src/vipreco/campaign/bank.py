"""Recommender, data and salt that a campaign works with; perhaps a challenger for a part of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vipreco.campaign.campaign_parts import BankParts
from vipreco.history import View
from vipreco.recommender import CHALLENGER_SIDE, CHAMPION_SIDE, ModelSplit, Recommender


@dataclass(frozen=True)
class Challenger:
    """A model that decides for a part of the customers.

    Args:
        recommender: With the rules and weights in force.
        artifact_hash: Of its model.
        split: Which customers.
    """

    recommender: Recommender
    artifact_hash: str
    split: ModelSplit


@dataclass(frozen=True)
class Bank:
    """Recommender, data and salt that a campaign works with.

    Args:
        recommender: With the rules and weights in force.
        artifact_hash: Of its model.
        view: What is known of all customers.
        salt: Of the draws of the control group.
        seed: Of the project.
        after: Number of the last change in the store that the tables hold.
        challenger: Decides for a part of the customers; None: the recommender decides for all.
        parts: The customers in parts over an engine; None: this process has them all.
    """

    recommender: Recommender
    artifact_hash: str
    view: View
    salt: str
    seed: int
    after: int = 0
    challenger: Challenger | None = None
    parts: BankParts | None = None

    def sides(self) -> Iterator[tuple[str, Recommender, View]]:
        """Give each model that decides for anybody, by the name of its side, with the view of these."""
        if self.challenger is None:
            yield CHAMPION_SIDE, self.recommender, self.view
            return
        models = {CHAMPION_SIDE: self.recommender, CHALLENGER_SIDE: self.challenger.recommender}
        for side, view in self.challenger.split.views(self.view):
            yield side, models[side], view
