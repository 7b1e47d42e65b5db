"""Outcomes of logged offers by position, channel, chance or product, corrected for what was shown to whom."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

import numpy as np
import polars as pl

from vipreco.columns import CAMPAIGN_ID, CONTACT_ID, CONTACTED_AT, CUSTOMER_ID, OUTCOME, PRODUCT_ID
from vipreco.errors import UsageError
from vipreco.stats import NORMAL_95, rate_interval

DECISION_ID: Final = "decision_id"
ANSWERS: Final = ("accepted", "postponed", "declined")
REFUSED: Final = ("complaint", "do_not_contact")
MIN_ANSWERS: Final = 30
CHANCES: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Lines between groups of chances."""


def _group_of_chance() -> pl.Expr:
    """Return the group of a chance as a text that sorts like a number."""
    ends, chance = (0.0, *CHANCES, 1.0), pl.col("chance")
    groups = [
        pl.when(chance < high if high < 1 else chance <= high).then(pl.lit(f"{low:.3f}-{high:.3f}"))
        for low, high in pairwise(ends)
    ]
    return pl.coalesce(groups)


OUTCOME_DIMENSIONS: Final[Mapping[str, pl.Expr]] = {
    "position": pl.col("position").cast(pl.String),
    "channel": pl.col("channel"),
    "chance": _group_of_chance(),
    "product": pl.col("product_id"),
}
CHOSEN: Final = "answers are those of customers whom somebody chose to contact; no rate speaks for the others"
CORRECTED: Final = (
    "corrected_rate: each answer weighs one over the logged probability of what was shown, as if every "
    "allowed offer were shown alike; known where a campaign made random offers, blind to whom managers pick"
)
SELECTION: Final = (CHOSEN, CORRECTED)


def offer_outcomes(offers: pl.DataFrame, contacts: pl.DataFrame, by: str) -> pl.DataFrame:
    """Return what came of logged offers by one dimension, groups by name.

    Args:
        offers: Rows campaign_id, decision_id, customer_id, product_id, channel, position, chance and
            shown_probability (null where unknown).
        contacts: Rows contact_id, contacted_at, campaign_id, decision_id, customer_id, product_id, outcome.
        by: One of `OUTCOME_DIMENSIONS`.

    Returns:
        Rows: the dimension, offers, contacted, answers, accepted, postponed, declined, refused, mean_chance
        (of those contacted), accepted_rate with low and high, corrected_rate with corrected_low and
        corrected_high, and the answers that it is worth (`effective_answers`), and `few`.

    Raises:
        UsageError: No such dimension.
    """
    if by not in OUTCOME_DIMENSIONS:
        raise UsageError(
            f"outcomes are not told by {by}",
            where="--by",
            remedy=f"choose one of {', '.join(OUTCOME_DIMENSIONS)}",
            code="dimension",
        )
    rows = with_outcomes(offers, contacts).with_columns(OUTCOME_DIMENSIONS[by].alias(by))
    groups = [_group(str(name[0]), part, by) for name, part in rows.group_by(by) if name[0] is not None]
    schema = _schema(by)
    found = pl.DataFrame(groups, schema) if groups else pl.DataFrame(schema=schema)
    return found.sort(pl.col(by).cast(pl.Int64) if by == "position" else by)


def with_outcomes(offers: pl.DataFrame, contacts: pl.DataFrame) -> pl.DataFrame:
    """Return the offers with the outcome of the last contact about each; null where there was none.

    A contact belongs to an offer by the reference that was recorded with it and the product.
    """
    talks = contacts.sort(CONTACTED_AT, CONTACT_ID)
    parts = []
    for reference, other in ((CAMPAIGN_ID, DECISION_ID), (DECISION_ID, CAMPAIGN_ID)):
        own = offers.filter(pl.col(reference).is_not_null() & pl.col(other).is_null())
        keys = [reference, CUSTOMER_ID, PRODUCT_ID]
        last = talks.drop_nulls(reference).group_by(keys, maintain_order=True).agg(pl.col(OUTCOME).last())
        parts.append(own.join(last, on=keys, how="left", maintain_order="left"))
    return pl.concat(parts)


def _group(name: str, rows: pl.DataFrame, by: str) -> dict[str, Any]:
    contacted = rows.drop_nulls(OUTCOME)
    answered = contacted.filter(pl.col(OUTCOME).is_in([*ANSWERS, *REFUSED]))
    counts = {one: answered.filter(pl.col(OUTCOME) == one).height for one in ANSWERS}
    rate = rate_interval(np.array([counts["accepted"]]), np.array([answered.height]))
    limits = (rate.value[0], rate.low[0], rate.high[0]) if answered.height else (None, None, None)
    return {
        by: name,
        "offers": rows.height,
        "contacted": contacted.height,
        "answers": answered.height,
        **counts,
        "refused": answered.filter(pl.col(OUTCOME).is_in(REFUSED)).height,
        "mean_chance": contacted["chance"].mean(),
        **dict(zip(("accepted_rate", "low", "high"), limits, strict=True)),
        **_corrected(answered),
        "few": answered.height < MIN_ANSWERS,
    }


def _corrected(answered: pl.DataFrame) -> dict[str, float | None]:
    """Return the self-normalised weighted rate (Hajek, 1971) with its linearised interval."""
    names = ("corrected_rate", "corrected_low", "corrected_high", "effective_answers")
    known = answered.filter(pl.col("shown_probability") > 0)
    if known.is_empty():
        return dict.fromkeys(names)
    weights = 1.0 / known["shown_probability"].to_numpy()
    accepted = (known[OUTCOME] == "accepted").to_numpy().astype(np.float64)
    total = float(weights.sum())
    rate = float(weights @ accepted) / total
    reach = NORMAL_95 * float(np.sqrt((weights**2) @ (accepted - rate) ** 2)) / total
    effective = total**2 / float(weights @ weights)
    return dict(zip(names, (rate, max(rate - reach, 0.0), min(rate + reach, 1.0), effective), strict=True))


def _schema(by: str) -> pl.Schema:
    counts = ("offers", "contacted", "answers", *ANSWERS, "refused")
    numbers = ("mean_chance", "accepted_rate", "low", "high")
    corrected = ("corrected_rate", "corrected_low", "corrected_high", "effective_answers")
    return pl.Schema(
        [
            (by, pl.String()),
            *((name, pl.Int64()) for name in counts),
            *((name, pl.Float64()) for name in (*numbers, *corrected)),
            ("few", pl.Boolean()),
        ]
    )
