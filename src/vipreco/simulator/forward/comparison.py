"""Comparison of policies customer by customer: the same customers, months and luck, other contacts."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from vipreco.columns import CUSTOMER_ID
from vipreco.errors import UsageError
from vipreco.stats import paired_difference

MEASURES = ("expected_amount", "earned_amount", "assets_amount", "at_stake_amount", "left", "worth_amount")
SEED = "seed"


def compare(
    lives: pl.DataFrame, baseline: str, seed: int = 0, resamples: int = 1000, asset_margin: float = 0.01
) -> pl.DataFrame:
    """Return results of each policy with the VIP customers of the start, against a baseline policy.

    Args:
        lives: Frames of `run`; those of several banks under one another, with a column `seed`.
        baseline: Name of the policy that the others are compared with.
        seed: Of the bootstrap.
        resamples: Bootstrap resamples of customers.
        asset_margin: What the bank earns on assets that stay, as share of the assets.

    Returns:
        Rows arm, measure, a_customer (mean), difference (to the baseline, mean a customer), low, high (95 %,
        paired over the customers of all banks), banks (number), banks_better (with a higher mean), customers.
        `worth_amount` is expected_amount - `asset_margin` x at_stake_amount: what is earned, less the margin
        on assets that leave, both in expectation, so that luck in rare events does not hide the difference.

    Raises:
        UsageError: There is no such baseline.
    """
    vip = lives.filter("vip")
    if SEED not in vip.columns:
        vip = vip.with_columns(pl.lit(0).alias(SEED))
    worth = pl.col("expected_amount") - asset_margin * pl.col("at_stake_amount")
    vip = vip.with_columns(worth.alias("worth_amount"), pl.col("left").cast(pl.Float64)).sort(
        SEED, CUSTOMER_ID
    )
    if baseline not in vip["arm"]:
        raise UsageError(f"no policy is called {baseline}", where="baseline", code="baseline")
    return pl.DataFrame(list(_rows(vip, baseline, seed, resamples)))


def _rows(vip: pl.DataFrame, baseline: str, seed: int, resamples: int) -> Iterator[dict[str, object]]:
    base = vip.filter(pl.col("arm") == baseline)
    for arm in vip["arm"].unique(maintain_order=True):
        own = vip.filter(pl.col("arm") == arm)
        for measure in MEASURES:
            ours, theirs = own[measure].to_numpy(), base[measure].to_numpy()
            found = paired_difference(ours, theirs, seed, resamples)
            banks = pl.DataFrame({SEED: own[SEED], "difference": ours - theirs}).group_by(SEED).mean()
            yield {
                "arm": arm,
                "measure": measure,
                "a_customer": float(ours.mean()),
                "difference": found.value,
                "low": found.low,
                "high": found.high,
                "banks": banks.height,
                "banks_better": int((banks["difference"] > 0).sum()),
                "customers": found.customers,
            }
