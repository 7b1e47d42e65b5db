"""Estimate of another policy's acquisitions from the random offers of a campaign."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from vipreco.campaign.arms import Arm
from vipreco.columns import CHANNEL, CUSTOMER_ID, PRODUCT_ID
from vipreco.errors import InputRejectedError, UsageError
from vipreco.stats import LoggedDecisions, OffPolicyEstimate, off_policy

NAMES = (CUSTOMER_ID, PRODUCT_ID, CHANNEL)
NO_OFFER = ""
OPTION = "option"


def read_policy(path: Path) -> pl.DataFrame:
    """Return the offers of another policy, at most one a customer; nobody else gets one.

    Args:
        path: CSV or Parquet with customer_id, product_id and channel; the assignments of another run do.

    Raises:
        InputRejectedError: It cannot be read, a column lacks, or a customer is there twice.
        UsageError: Another ending.
    """
    if path.suffix not in {".csv", ".parquet"}:
        raise UsageError("ends in neither .csv nor .parquet", where=str(path), code="unknown-format")
    try:
        frame = (
            pl.read_parquet(path, glob=False)
            if path.suffix == ".parquet"
            else pl.read_csv(path, infer_schema=False, glob=False)
        )
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputRejectedError("cannot be read as a table", where=str(path), code="unreadable") from error
    missing = [name for name in NAMES if name not in frame.columns]
    if missing:
        raise InputRejectedError("columns are missing", where=str(path), examples=missing, code="columns")
    offers = frame.select(pl.col(name).cast(pl.String) for name in NAMES).drop_nulls(PRODUCT_ID)
    if offers[CUSTOMER_ID].n_unique() < offers.height:
        raise InputRejectedError("a customer has two offers", where=str(path), code="twice")
    return offers


def judge(
    assignments: pl.DataFrame,
    outcomes: pl.DataFrame,
    manifest: Mapping[str, Any],
    policy: pl.DataFrame,
    seed: int,
) -> OffPolicyEstimate:
    """Estimate how many customers would have acquired a product of the campaign under another policy.

    The log holds for each treated customer the offer that was made, or none, and its probability.

    Args:
        assignments: Of the run.
        outcomes: `Gathered.customers` of it, in the same order.
        manifest: Of the run.
        policy: From `read_policy`.
        seed: Of the folds of the reward model.

    Raises:
        UsageError: The campaign left nothing to chance.
    """
    if not float(manifest["campaign"].get("exploration_share") or 0):
        raise UsageError(
            "the campaign made no random offers, so another policy cannot be estimated",
            where=str(manifest["campaign_id"]),
            remedy="give the next campaign an exploration_share",
            code="no-exploration",
        )
    observed = outcomes.select("observed", "acquired_campaign")
    rows = pl.concat([assignments, observed], how="horizontal")
    rows = rows.filter("observed", pl.col("arm") != Arm.CONTROL)
    wanted = rows.select(CUSTOMER_ID).join(policy, on=CUSTOMER_ID, how="left", maintain_order="left")
    made, other = _options(rows), _options(wanted)
    options = pl.Enum(pl.concat([made, other, pl.Series([NO_OFFER])]).unique().sort())
    action, taken = (one.cast(options).to_physical().to_numpy().astype(np.int64) for one in (made, other))
    logged = LoggedDecisions(
        action=action,
        probability=_chances(rows, float(manifest["campaign"].get("control_share") or 0)),
        reward=rows["acquired_campaign"].cast(pl.Float64).to_numpy(),
        actions=len(options.categories),
    )
    chosen = np.zeros((rows.height, logged.actions))
    chosen[np.arange(rows.height), taken] = 1.0
    return off_policy(logged, chosen, None, seed)


def _options(rows: pl.DataFrame) -> pl.Series:
    """Return the offer of each row as one text; empty without an offer."""
    option = pl.concat_str(PRODUCT_ID, CHANNEL, separator="\x1f").fill_null(NO_OFFER)
    return rows.select(option.alias(OPTION))[OPTION]


def _chances(rows: pl.DataFrame, control_share: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the chance of what was done; of no offer, that of not being explored."""
    alone = pl.col("arm_probability") / (1 - control_share)
    chance = pl.when(pl.col(PRODUCT_ID).is_null()).then(alone).otherwise("action_probability")
    return rows.select(chance.clip(1e-9, 1.0).alias("chance"))["chance"].to_numpy()
