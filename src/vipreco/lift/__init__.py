"""Lift: what a randomised campaign caused, with intervals; power before it, other policies after it."""

from vipreco.lift.comparison import FEWEST_ACQUISITIONS, FEWEST_CUSTOMERS, Compared, by_group, compare
from vipreco.lift.estimate import Estimate
from vipreco.lift.means import difference_of_means
from vipreco.lift.off_policy import Logged, OffPolicy, doubly_robust, off_policy, snips
from vipreco.lift.power import needed, power_of
from vipreco.lift.promises import Promises, promises
from vipreco.lift.qini import auuc, qini_coefficient, qini_curve
from vipreco.lift.rates import Counts, Ends, difference_of_rates, p_values, rate_interval, ratio_of_rates

__all__ = [
    "FEWEST_ACQUISITIONS",
    "FEWEST_CUSTOMERS",
    "Compared",
    "Counts",
    "Ends",
    "Estimate",
    "Logged",
    "OffPolicy",
    "Promises",
    "auuc",
    "by_group",
    "compare",
    "difference_of_means",
    "difference_of_rates",
    "doubly_robust",
    "needed",
    "off_policy",
    "p_values",
    "power_of",
    "promises",
    "qini_coefficient",
    "qini_curve",
    "rate_interval",
    "ratio_of_rates",
    "snips",
]
