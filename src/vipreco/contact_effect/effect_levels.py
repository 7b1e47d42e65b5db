"""Levels of the effects by channel, family and tier, and the shape of the response, from contacted pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from vipreco.contact_effect.estimation import Trials, shape_between, shrunk
from vipreco.contact_effect.response import Response
from vipreco.settings import ContactEffectSettings

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
ROUNDS = 12  # of going from channels to families to tiers
SPREADS = np.arange(0.0, 3.1, 0.5)
FATIGUES = np.arange(0.0, 0.76, 0.15)
MEAN_SPREAD, MEAN_FATIGUE = 1.0, 0.2
"""Means of the exponential priors. A spread of 1 makes responses as unlike as waiting times are; a fatigue of
0.2 takes a fifth off the effect of a contact that follows another one within the quarter."""


@dataclass(frozen=True)
class Cells:
    """Groups of contacted pairs: names of the groups, and the group of each pair, shape (m,)."""

    names: tuple[str, ...]
    group: Indices

    @classmethod
    def of(cls, labels: NDArray[np.str_]) -> Cells:
        """Group pairs by a label of each, shape (m,)."""
        names, group = np.unique(labels, return_inverse=True)
        return cls(tuple(map(str, names)), group.astype(np.intp))

    def sums(self, values: Floats) -> Floats:
        """Return the sum of the values of each group."""
        return np.asarray(np.bincount(self.group, values, len(self.names)), np.float64)


@dataclass(frozen=True)
class Levels:
    """Contacted pairs with their groups, on which effects by channel, family and tier are fitted.

    Args:
        trials: Contacted pairs.
        cells: The channel, the channel and family, and the tier of each.
        prior: What is assumed.
        deviation: Standard deviation of a channel's effect around the prior.
    """

    trials: Trials
    cells: tuple[Cells, Cells, Cells]
    prior: ContactEffectSettings
    deviation: float

    def fitted(self, shape: Response, reach: Mapping[str, float]) -> tuple[Floats, Floats, Floats]:
        """Return the effects of channels, families and tiers, going round until they agree.

        Args:
            shape: Spread and fatigue of the response.
            reach: Of the channels.
        """
        trials, bases = self.trials, self._bases()
        found = [base.copy() for base in bases]
        shares = trials.weights * trials.scale
        counts = [cell.sums(trials.contacted.acquired * shares) for cell in self.cells]
        for place in [*range(len(self.cells))] * ROUNDS:
            cell = self.cells[place]
            own = found[place][cell.group]
            # a pair that would be acquired anyway cannot become surer than sure
            chance = self.chances(self._effect(found), shape, reach)
            expected = cell.sums(shares * chance * np.exp(-own))
            width = (
                shape_between(counts[place], expected * np.exp(bases[place])) if place else self.deviation**-2
            )
            found[place] = shrunk(counts[place], expected, bases[place], width)
        return found[0], found[1], found[2]

    def chances(self, effect: Floats, shape: Response, reach: Mapping[str, float]) -> Floats:
        """Return the chance of each contacted pair with its contact, shape (m,)."""
        trials, channel, found = self.trials, self.cells[0], np.zeros(len(effect))
        for place, name in enumerate(channel.names):
            own = channel.group == place
            response = replace(shape, reach=reach.get(name, 1.0))
            found[own] = response.chance(
                trials.hazard[own], np.exp(effect[own]), trials.recent[own], trials.withstood[own]
            )
        return found

    def log_likelihood(self, shape: Response, reach: Mapping[str, float]) -> float:
        """Return how well the best levels under a shape explain what was acquired."""
        effect = self._effect(list(self.fitted(shape, reach)))
        chance = np.clip(self.chances(effect, shape, reach), 1e-12, 1 - 1e-12)
        told = np.where(self.trials.contacted.acquired, np.log(chance), np.log1p(-chance))
        return float(self.trials.scale * (self.trials.weights @ told))

    def _bases(self) -> tuple[Floats, Floats, Floats]:
        channel, family, tier = self.cells
        prior = self.prior
        return (
            np.array([prior.channels.get(name, prior.other_channels) for name in channel.names]),
            np.zeros(len(family.names)),
            np.array([prior.tiers.get(name, 0.0) for name in tier.names]),
        )

    def _effect(self, levels: list[Floats]) -> Floats:
        channel, family, tier = (values[cell.group] for values, cell in zip(levels, self.cells, strict=True))
        return np.asarray(channel + family + tier)


def fitted_shape(levels: Levels, reach: Mapping[str, float]) -> Response:
    """Return the spread and fatigue that contacts and priors let expect: means of the posterior on a grid.

    Contacts of one bank say little about either, so the whole posterior counts and not its highest point.
    """
    grid = [Response(spread=spread, fatigue=fatigue) for spread, fatigue in product(SPREADS, FATIGUES)]
    told = np.array(
        [
            levels.log_likelihood(shape, reach) - shape.spread / MEAN_SPREAD - shape.fatigue / MEAN_FATIGUE
            for shape in grid
        ]
    )
    weight = np.exp(told - told.max())
    weight /= weight.sum()
    spread = float(weight @ np.array([shape.spread for shape in grid]))
    return Response(spread=spread, fatigue=float(weight @ np.array([shape.fatigue for shape in grid])))
