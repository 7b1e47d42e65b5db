"""Challenger against champion in a campaign that both decided in, each for its own customers."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from vipreco.campaign.arms import Arm
from vipreco.recommender import CHALLENGER_SIDE, CHAMPION_SIDE, SIDE
from vipreco.stats import Comparison, compare


@dataclass(frozen=True)
class SideMeasures:
    """Comparisons of a campaign with a challenger.

    Args:
        between: Any product of the campaign, challenger's customers against champion's: everybody who was
            eligible and not in the control group, with an offer or without; money is of the offered product.
        champion: The offered product against the control group, champion's customers alone.
        challenger: The same of the challenger's.
    """

    between: Comparison
    champion: Comparison
    challenger: Comparison


def side_measures(seen: pl.DataFrame) -> SideMeasures | None:
    """Return the comparisons of the customers who were seen again; None where no challenger took part."""
    if SIDE not in seen.columns:
        return None
    decided = seen.filter(~pl.col("arm").is_in([Arm.CONTROL, Arm.EXPLORED]))
    money = decided.select(
        (pl.col("acquired_offer") * pl.col("value_amount").cast(pl.Float64)).fill_null(0.0)
    )
    return SideMeasures(
        compare(
            (decided[SIDE] == CHALLENGER_SIDE).to_numpy(),
            decided["acquired_campaign"].to_numpy(),
            money.to_series().to_numpy(),
        ),
        _against_control(seen, CHAMPION_SIDE),
        _against_control(seen, CHALLENGER_SIDE),
    )


def _against_control(seen: pl.DataFrame, side: str) -> Comparison:
    rows = seen.filter(pl.col(SIDE) == side, pl.col("would_offer"), pl.col("arm") != Arm.EXPLORED)
    return compare((rows["arm"] != Arm.CONTROL).to_numpy(), rows["acquired"].to_numpy())
