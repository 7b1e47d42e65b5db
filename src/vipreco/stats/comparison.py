"""A randomised comparison: the primary numbers of a campaign, and those of its subgroups.

Who is compared was settled before any outcome (intention to treat): whether an offer was seen, answered or
made at all changes nothing. The rule for "not enough data": an arm with fewer than `MIN_CUSTOMERS`
customers, or fewer than `MIN_ACQUISITIONS` acquisitions in both arms together (for money and ratios: in
each arm).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import polars as pl

from vipreco.stats.arrays import Flags, Floats
from vipreco.stats.estimate import Estimate
from vipreco.stats.level import LEVEL
from vipreco.stats.means import difference_of_means
from vipreco.stats.rates import ArmCounts, Intervals, difference_of_rates, holm, p_values, ratio_of_rates

MIN_CUSTOMERS = 30
MIN_ACQUISITIONS = 10
FEW_CUSTOMERS, FEW_ACQUISITIONS = "customers", "acquisitions"
TREATED, ACQUIRED = "treated", "acquired"
FALSE_ALARMS = 0.05


@dataclass(frozen=True)
class Comparison:
    """Both arms of a comparison and what lies between them.

    Args:
        treated: Customers of the treated arm.
        control: Customers of the control group.
        treated_acquired: Those of the treated who acquired.
        control_acquired: Those of control who acquired.
        lift: Difference of the two rates.
        relative: Ratio of the two rates minus 1.
        adjusted: Difference of the rates, adjusted by what was known before.
        value: Difference of the mean value a customer, adjusted by what was known before.
        p: Chance of a difference as large as this without any effect; NaN where not enough data.
    """

    treated: int
    control: int
    treated_acquired: int
    control_acquired: int
    lift: Estimate
    relative: Estimate
    adjusted: Estimate
    value: Estimate
    p: float

    @property
    def extra(self) -> Estimate:
        """Acquisitions of the treated that would not have been without the campaign."""
        return self.lift.times(self.treated)

    @property
    def extra_value(self) -> Estimate:
        """Value of the treated's acquisitions that would not have been without the campaign."""
        return self.value.times(self.treated)


def compare(
    treated: Flags,
    acquired: Flags,
    value: Floats | None = None,
    known: Floats | None = None,
    expected: Floats | None = None,
    level: float = LEVEL,
) -> Comparison:
    """Compare the treated with the control group of the same lots.

    Args:
        treated: (n,) treated or control.
        acquired: (n,) acquired within the window.
        value: (n,) money of what was acquired, 0 where nothing was.
        known: (n,) known before and close to `acquired`, such as the promised chance.
        expected: (n,) known before and close to `value`, such as promised chance x value.
        level: Of the intervals.
    """
    counts = ArmCounts.of(
        treated.sum(), (treated & acquired).sum(), (~treated).sum(), (~treated & acquired).sum()
    )
    lacks = _lacks(counts)[0]
    few = lacks or _lacks_in_each(counts)[0]
    money = np.zeros(len(treated)) if value is None else value
    adjusted = difference_of_means(acquired.astype(np.float64), treated, _column(known), level)
    valued = difference_of_means(money, treated, _column(expected), level)
    return Comparison(
        treated=int(counts.treated[0]),
        control=int(counts.control[0]),
        treated_acquired=int(counts.treated_acquired[0]),
        control_acquired=int(counts.control_acquired[0]),
        lift=_estimate(difference_of_rates(counts, level), lacks),
        relative=_shifted(_estimate(ratio_of_rates(counts, level), few)),
        adjusted=Estimate(adjusted.value, lacks=few) if few else adjusted,
        value=Estimate(valued.value, lacks=few) if few else valued,
        p=math.nan if lacks else float(p_values(counts)[0]),
    )


def by_group(frame: pl.DataFrame, columns: list[str], level: float = LEVEL) -> pl.DataFrame:
    """Compare within the values of each column; exploratory, however narrow the intervals are.

    Args:
        frame: A row a customer: the columns, `treated` and `acquired`.
        columns: By what; each alone.
        level: Of the intervals, each by itself.

    Returns:
        dimension, group, treated, control, treated_acquired, control_acquired, treated_rate, control_rate,
        lift, low, high (NaN without enough data), lacks, p, stands_out: the difference is not chance even
        when all groups of all columns are looked at (Holm, 5 %).
    """
    parts = [_counted(frame, column) for column in columns]
    table = pl.concat(parts) if parts else _counted(frame.clear().with_columns(none=pl.lit("")), "none")
    counts = ArmCounts.of(
        *(table[name] for name in ("treated", "treated_acquired", "control", "control_acquired"))
    )
    ends, lacks = difference_of_rates(counts, level), _lacks(counts)
    enough = lacks == ""
    p = np.where(enough, p_values(counts), np.nan)
    return table.with_columns(
        treated_rate=pl.Series(counts.treated_rate),
        control_rate=pl.Series(counts.control_rate),
        lift=pl.Series(ends.value),
        low=pl.Series(np.where(enough, ends.low, np.nan)),
        high=pl.Series(np.where(enough, ends.high, np.nan)),
        lacks=pl.Series(lacks.tolist(), dtype=pl.String),
        p=pl.Series(p),
        stands_out=pl.Series(np.nan_to_num(holm(p), nan=1.0) < FALSE_ALARMS),
    )


def _counted(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    treated, acquired = pl.col(TREATED), pl.col(ACQUIRED)
    return (
        frame.group_by(pl.col(column).cast(pl.String).fill_null("").alias("group"))
        .agg(
            treated=treated.sum().cast(pl.Int64),
            control=(~treated).sum().cast(pl.Int64),
            treated_acquired=(treated & acquired).sum().cast(pl.Int64),
            control_acquired=(~treated & acquired).sum().cast(pl.Int64),
        )
        .sort("group")
        .select(pl.lit(column).alias("dimension"), pl.all())
    )


def _lacks(counts: ArmCounts) -> np.ndarray[tuple[int], np.dtype[np.str_]]:
    """Return what a place lacks for an interval of a difference of rates; empty if nothing."""
    smaller = np.minimum(counts.treated, counts.control)
    together = counts.treated_acquired + counts.control_acquired
    few = np.where(together < MIN_ACQUISITIONS, FEW_ACQUISITIONS, "")
    return np.where(smaller < MIN_CUSTOMERS, FEW_CUSTOMERS, few)


def _lacks_in_each(counts: ArmCounts) -> np.ndarray[tuple[int], np.dtype[np.str_]]:
    smaller = np.minimum(counts.treated_acquired, counts.control_acquired)
    return np.where(smaller < MIN_ACQUISITIONS, FEW_ACQUISITIONS, "")


def _estimate(ends: Intervals, lacks: str) -> Estimate:
    value, low, high = (float(one[0]) for one in (ends.value, ends.low, ends.high))
    return Estimate(value, lacks=lacks) if lacks else Estimate(value, low, high)


def _shifted(ratio: Estimate) -> Estimate:
    return Estimate(ratio.value - 1, ratio.low - 1, ratio.high - 1, ratio.lacks)


def _column(covariate: Floats | None) -> Floats | None:
    return None if covariate is None else covariate[:, None]
