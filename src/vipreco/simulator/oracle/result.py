"""What an oracle bench found: shares of the oracle, the order of the arms, calibration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.backtest import Estimate
from vipreco.simulator.oracle.arms import Arm
from vipreco.simulator.oracle.plan import OraclePlan
from vipreco.simulator.oracle.shares import PARTS, Earned, Key, Unit, advantage, parts_of, share
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

    def shares(self) -> pl.DataFrame:
        """Return each arm's share of the oracle, by effort, unit and part of the customers.

        Returns:
            Rows effort, unit, part, arm, share, low, high (95 % over the customers of all banks), lowest,
            highest (of the banks), a_customer (expected reward), customers.
        """
        return pl.DataFrame(list(self._share_rows()))

    def order(self) -> pl.DataFrame:
        """Return whether each arm earns more money than the next, as expected.

        Only in money: an order by value is not meant to bring the most acquisitions.

        Returns:
            Rows effort, unit, part, better, worse, difference (share of the oracle), low, high, holds (the
            interval is above 0).
        """
        return pl.DataFrame(list(self._order_rows()))

    def calibration(self) -> pl.DataFrame:
        """Return rows seed, part, pairs, ratio, slope of the propensities against the true chances."""
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

    def deciles(self) -> pl.DataFrame:
        """Return mean propensity and mean true chance by decile of the propensity, all banks together."""
        pairs = [bank.pairs("all") for bank in self.banks]
        propensity, chance = (np.concatenate(column) for column in zip(*pairs, strict=True))
        return true_deciles(propensity, chance)

    def share_of(self, arm: Arm, key: Key) -> Estimate:
        """Return one number of `shares`."""
        return share(self._together(key), arm, self.plan.seeds[0], self.plan.resamples)

    def _share_rows(self) -> Iterator[dict[str, object]]:
        for key in self.banks[0].earned:
            together = self._together(key)
            for arm in Arm:
                found, alone = self.share_of(arm, key), [_alone(bank, arm, key) for bank in self.banks]
                yield {
                    **_named(key),
                    "arm": arm.value,
                    "share": found.value,
                    "low": found.low,
                    "high": found.high,
                    "lowest": min(alone),
                    "highest": max(alone),
                    "a_customer": float(together[arm].mean()) if found.customers else np.nan,
                    "customers": found.customers,
                }

    def _order_rows(self) -> Iterator[dict[str, object]]:
        for key in self._money():
            together = self._together(key)
            for better, worse in EXPECTED_ORDER:
                found = advantage(together, better, worse, self.plan.seeds[0], self.plan.resamples)
                yield {
                    **_named(key),
                    "better": better.value,
                    "worse": worse.value,
                    "difference": found.value,
                    "low": found.low,
                    "high": found.high,
                    "holds": found.low > 0,
                }

    def _money(self) -> list[Key]:
        return [key for key in self.banks[0].earned if key[1] is Unit.MONEY]

    def _together(self, key: Key) -> Earned:
        return {arm: np.concatenate([bank.earned[key][arm] for bank in self.banks]) for arm in Arm}


def _alone(bank: JudgedBank, arm: Arm, key: Key) -> float:
    return share(bank.earned[key], arm, bank.seed, resamples=0).value


def _named(key: Key) -> dict[str, object]:
    effort, unit, part = key
    return {"effort": effort.value, "unit": unit.value, "part": part}
