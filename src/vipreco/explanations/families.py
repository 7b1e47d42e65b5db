"""What moved a score, summed over families of features, as the dictionary names them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from vipreco.features.dictionary import PLACEHOLDER, Dictionary

OTHER = "Other"


@dataclass(frozen=True)
class FamilyContribution:
    """What a family of features adds to the raw score of an offer.

    Args:
        family: Heading in the data dictionary.
        contribution: On the logit scale; above 0 speaks for the offer.
        column: The column of the family that adds most in the same direction.
    """

    family: str
    contribution: float
    column: str


def families_of(names: Sequence[str], dictionary: Dictionary) -> list[str]:
    """Return the family of each feature column."""
    patterns = [
        (feature.name.replace(PLACEHOLDER, file.each.columns if file.each else ""), file.family)
        for file in dictionary.file
        for feature in file.features
    ]
    return [_family(name.partition("@")[0], patterns) for name in names]


def _family(feature: str, patterns: list[tuple[str, str]]) -> str:
    matching = (family for pattern, family in patterns if fnmatchcase(feature, pattern))
    return next(matching, OTHER)


def strongest_families(
    contributions: NDArray[np.float64], names: Sequence[str], families: Sequence[str], most: int = 3
) -> list[FamilyContribution]:
    """Return at most `most` families that speak for the offer, the strongest first.

    Args:
        contributions: What each column adds to the raw score of one offer, shape (k,).
        names: The columns, shape (k,).
        families: Their families, shape (k,).
        most: How many.
    """
    found = [
        _summed(family, contributions, names, np.array([own == family for own in families]))
        for family in sorted(set(families))
    ]
    supporting = [item for item in found if item.contribution > 0]
    return sorted(supporting, key=lambda item: (-item.contribution, item.family))[:most]


def _summed(
    family: str, contributions: NDArray[np.float64], names: Sequence[str], own: NDArray[np.bool_]
) -> FamilyContribution:
    strongest = int(np.argmax(np.where(own, contributions, -np.inf)))
    return FamilyContribution(family, float(contributions[own].sum()), names[strongest])
