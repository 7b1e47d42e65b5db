"""Checks of a loaded recommender: its columns, what is prohibited by now, its age."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from vipreco.errors import IntegrityError, UsageError
from vipreco.features import Prohibited
from vipreco.recommender.fitted import Fitted

REMEDY = "fetch the version again, or train it anew"
OLD = timedelta(days=180)  # a quarter until labels are known, and another in which nobody trained


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


def check_age(learnt: date, newest: date, limit: timedelta | None, where: str) -> str:
    """Return what is odd about the age of a model beside the tables, or nothing.

    Args:
        learnt: Last date that the model learnt from.
        newest: Newest snapshot of the tables.
        limit: Age at which it is refused; None refuses none.
        where: The artifact.

    Raises:
        IntegrityError: It is older than the limit.
    """
    age = newest - learnt
    if limit is not None and age > limit:
        raise IntegrityError(
            f"the model learnt until {learnt}, {age.days} days before the newest snapshot; "
            f"{limit.days} are allowed",
            where=where,
            remedy="run `vipreco train`, or raise max_model_age_days under [serving] in vipreco.toml",
            code="model-expired",
        )
    if age < timedelta(0):
        return f"the model learnt until {learnt}, after the last snapshot of {newest}: the tables are older"
    if age > OLD:
        return f"this model learnt until {learnt}, {age.days} days before the newest snapshot: train anew"
    return ""


def check_hindsight(learnt_until: date, day: date, *, allowed: bool) -> str:
    """Return what has to be said of lists of `day`; nothing where the model learnt nothing that came later.

    Raises:
        UsageError: The model learnt what happened after `day`, and hindsight is not allowed.
    """
    if day >= learnt_until:
        return ""
    what = f"the model learnt from what happened until {learnt_until}, after the date of the list, {day}"
    if not allowed:
        raise UsageError(
            what,
            where="--as-of",
            remedy="name a model that learnt only earlier months with --model, or add --hindsight: the list "
            "then says so, and is no evidence of what the model would have done",
            code="hindsight",
        )
    return f"hindsight: {what}; it is no evidence of what the model would have done"
