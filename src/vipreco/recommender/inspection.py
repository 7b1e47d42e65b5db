"""Refusal of a loaded recommender whose columns are prohibited."""

from __future__ import annotations

from collections.abc import Sequence

from vipreco.errors import IntegrityError
from vipreco.features import Prohibited
from vipreco.recommender.fitted import Fitted

REMEDY = "fetch the version again, or train it anew"


def check_columns(fitted: Fitted, where: str) -> None:
    """Make sure that the boosters' columns are those that the features give, in the same places.

    Raises:
        IntegrityError: They differ; the first difference is named.
    """
    given = fitted.vocabulary.columns(fitted.product_ids)
    outside = bool(len(fitted.kept)) and not 0 <= fitted.kept.min() <= fitted.kept.max() < len(given)
    found = () if outside else tuple(given[place] for place in fitted.kept)
    if found == fitted.names:
        return
    pairs = enumerate(zip(found, fitted.names, strict=False))
    first = next(
        (f"column {place}: {one} is not {other}" for place, (one, other) in pairs if one != other), ""
    )
    raise IntegrityError(
        f"the features do not give the columns of the boosters; {first or 'their numbers differ'}",
        where=where,
        remedy=REMEDY,
        code="feature-list",
    )


def check_permitted(names: Sequence[str], prohibited: Prohibited, where: str) -> None:
    """Make sure that none of the boosters' columns is prohibited by now.

    Raises:
        IntegrityError: A column is prohibited; up to ten are named with the reason.
    """
    reasons = {name: prohibited.reason(name.partition("@")[0]) for name in names}
    refused = [f"{name}: {reason}" for name, reason in reasons.items() if reason]
    if refused:
        raise IntegrityError(
            "the model was trained on attributes that are prohibited",
            where=where,
            remedy="train anew: the prohibited attributes are then left out",
            code="prohibited",
            examples=refused[:10],
        )
