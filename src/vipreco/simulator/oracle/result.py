"""Results of an oracle bench: shares of the oracle, the order of the arms, calibration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.simulator.oracle.arms import Arm
from vipreco.simulator.oracle.plan import OraclePlan
from vipreco.simulator.oracle.resampled import Resampled
from vipreco.simulator.oracle.shares import PARTS, Earned, Effort, Key, Unit, parts_of
from vipreco.simulator.oracle.true_calibration import true_deciles, true_ratio, true_slope

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
DECISION_PARTS = (Arm.PROPENSITY, Arm.NO_VALUE, Arm.LIGHTGBM, Arm.CF)
EXPECTED_ORDER = (
    (Arm.ORACLE, Arm.FULL),
    *((Arm.FULL, part) for part in DECISION_PARTS),
    *((part, Arm.POPULARITY) for part in DECISION_PARTS),
    (Arm.POPULARITY, Arm.RANDOM),
)
"""Pairs (better, worse) that are expected: oracle, full decision, its parts, popularity, random."""


@dataclass(frozen=True)
class JudgedBank:
    """One simulated bank, judged; n customers, P products.

    Args:
        seed: Of the bank.
        judged: The as-of date of the lists.
        learnt: As-of dates that were learnt from.
        earned: (effort, unit, part) -> arm -> expected reward of each customer.
        propensity: As decided, shape (n, P).
        chance: The truth, shape (n, P).
        allowed: Pairs that may be offered, shape (n, P).
        vip: Customers of a VIP tier, shape (n,).
    """

    seed: int
    judged: date
    learnt: tuple[date, ...]
    earned: Mapping[Key, Earned]
    propensity: Floats
    chance: Floats
    allowed: Flags
    vip: Flags

    def pairs(self, part: str) -> tuple[Floats, Floats]:
        """Return propensities and true chances of the allowed pairs of a part of the customers."""
        chosen = self.allowed & parts_of(self.vip)[part][:, None]
        return self.propensity[chosen], self.chance[chosen]


@dataclass(frozen=True)
class OracleResult:
    """All banks of a bench, and what they say together."""

    plan: OraclePlan
    banks: tuple[JudgedBank, ...]

    @cached_property
    def shares(self) -> pl.DataFrame:
        """Each arm's share of the oracle, by effort, unit and part of the customers.

        Rows effort, unit, part, arm, share, low, high (95 % over the customers of all banks), lowest and
        highest of the banks, a_customer (expected reward), customers.
        """
        return pl.DataFrame(list(self._share_rows()))

    @cached_property
    def order(self) -> pl.DataFrame:
        """Return the pairs of arms and whether the first earns more, as expected.

        Only in money: an order by value is not meant to bring the most acquisitions. Rows effort, unit, part,
        better, worse, difference (share of the oracle), low, high, holds (the interval is above 0).
        """
        return pl.DataFrame(list(self._order_rows()))

    @cached_property
    def calibration(self) -> pl.DataFrame:
        """Rows seed, part, pairs, ratio, slope of the propensities against the true chances."""
        rows = [
            {
                "seed": bank.seed,
                "part": part,
                "pairs": len(pairs[0]),
                "ratio": true_ratio(*pairs),
                "slope": true_slope(*pairs),
            }
            for bank in self.banks
            for part, pairs in ((name, bank.pairs(name)) for name in PARTS)
        ]
        return pl.DataFrame(rows)

    @cached_property
    def deciles(self) -> pl.DataFrame:
        """Mean propensity and mean true chance by decile of the propensity, all banks together."""
        pairs = [bank.pairs("all") for bank in self.banks]
        propensity, chance = (np.concatenate(column) for column in zip(*pairs, strict=True))
        return true_deciles(propensity, chance)

    @cached_property
    def resampled(self) -> dict[str, Resampled]:
        """The customers of all banks, by part, resampled."""
        return {part: self._resampled(self.banks, part, self.plan.resamples) for part in PARTS}

    def _share_rows(self) -> Iterator[dict[str, object]]:
        alone = [{part: self._resampled((bank,), part, 0) for part in PARTS} for bank in self.banks]
        for effort, unit, part in self.banks[0].earned:
            together = self.resampled[part]
            for arm in Arm:
                shares = [bank[part].share(effort, unit, arm).value for bank in alone]
                found = together.share(effort, unit, arm)
                yield {
                    **_named(effort, unit, part),
                    "arm": arm.value,
                    "share": found.value,
                    "low": found.low,
                    "high": found.high,
                    "lowest": min(shares),
                    "highest": max(shares),
                    "a_customer": together.mean(effort, unit, arm),
                    "customers": found.customers,
                }

    def _order_rows(self) -> Iterator[dict[str, object]]:
        for effort, unit, part in self.banks[0].earned:
            for better, worse in EXPECTED_ORDER if unit is Unit.MONEY else ():
                found = self.resampled[part].advantage(effort, unit, better, worse)
                yield {
                    **_named(effort, unit, part),
                    "better": better.value,
                    "worse": worse.value,
                    "difference": found.value,
                    "low": found.low,
                    "high": found.high,
                    "holds": found.low > 0,
                }

    def _resampled(self, banks: tuple[JudgedBank, ...], part: str, resamples: int) -> Resampled:
        rewards = {
            (effort, unit, arm): np.concatenate([bank.earned[effort, unit, part][arm] for bank in banks])
            for effort in Effort
            for unit in Unit
            for arm in Arm
        }
        return Resampled.of(rewards, self.plan.seeds[0], resamples)


def _named(effort: Effort, unit: Unit, part: str) -> dict[str, object]:
    return {"effort": effort.value, "unit": unit.value, "part": part}
