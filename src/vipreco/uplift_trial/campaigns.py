"""Finished campaigns as a randomised design: who would have been offered what, who was left out by lot."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final, Self

import polars as pl
import pyarrow as pa

from vipreco.columns import CHANNEL, CUSTOMER_ID, OPENED_DATE, PRODUCT_ID, PROPENSITY
from vipreco.errors import IntegrityError
from vipreco.history import History

ASSIGNMENTS: Final = "assignments.parquet"
MANIFEST: Final = "manifest.json"
CONTROL: Final = "control"
TREATED: Final = ("offered", "unallocated")
"""Arms of those who were not in control and got no random offer, whether or not a seat was left for them."""
WOULD: Final = {"would_product_id": PRODUCT_ID, "would_channel": CHANNEL}
"""The offer by the prices alone, beside what was offered in the end."""


@dataclass(frozen=True)
class FinishedCampaign:
    """A campaign whose outcomes are known, as far as it was left to a lot.

    Args:
        key: Of the campaign.
        as_of: Date whose knowledge it used.
        after: Day before it began; acquisitions after it count.
        until: Its last day.
        reach_rates: Share of a product's chance that each channel realises.
        pairs: Ordered by customer: customer_id, product_id (that the prices would offer, whatever the arm),
            treated, chance (of being treated, by the design), propensity (that the campaign counted with,
            without the channel's reach), reach_rate.
    """

    key: str
    as_of: date
    after: date
    until: date
    pairs: pl.DataFrame

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Read the folder of a run; None where nobody was left out by lot.

        Raises:
            IntegrityError: A file is damaged or of another kind.
        """
        try:
            manifest = json.loads((folder / MANIFEST).read_bytes())
            plan = manifest["campaign"]
            rates = {name: float(part["reach_rate"]) for name, part in plan["channels"].items()}
            pairs = _pairs(pl.read_parquet(folder / ASSIGNMENTS, glob=False), rates)
            dates = [
                date.fromisoformat(day)
                for day in (manifest["as_of_date"], plan["start_date"], plan["end_date"])
            ]
        except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
            raise IntegrityError(
                "the folder of a campaign is damaged or of another version",
                where=str(folder),
                remedy="restore it from a backup, or move it away",
                code="campaign-folder",
            ) from error
        if pairs["treated"].n_unique() < 2:
            return None
        return cls(folder.name, dates[0], dates[1] - timedelta(days=1), dates[2], pairs)

    def with_outcomes(self, history: History) -> pl.DataFrame:
        """Return the pairs of observed customers with `acquired` (the product, in the window) and `earlier`.

        `earlier`: anything acquired in as long a time before; no offer of this campaign can have moved that.
        """
        seen = min(day for day in history.snapshot_dates if day >= self.until)
        labels = history.acquisitions(self.after, seen)
        before = history.acquisitions(self.as_of - (self.until - self.after), self.as_of)
        bought = pl.DataFrame(labels.acquired).filter(pl.col(OPENED_DATE) <= self.until)
        return (
            self.pairs.join(_ids(labels.observed), on=CUSTOMER_ID, how="semi", maintain_order="left")
            .pipe(_with_flag, bought, [CUSTOMER_ID, PRODUCT_ID], "acquired")
            .pipe(_with_flag, pl.DataFrame(before.acquired), [CUSTOMER_ID], "earlier")
        )


def finished_campaigns(folder: Path, history: History) -> list[FinishedCampaign]:
    """Return the campaigns with a control group whose last day a snapshot has passed, the oldest first.

    Args:
        folder: Of all campaigns; it need not be there.
        history: What is known.

    Raises:
        IntegrityError: A folder of a run is damaged.
    """
    first, newest = history.snapshot_dates[0], history.snapshot_dates[-1]
    read = [one for one in _read_all(folder) if first <= one.as_of and one.until <= newest]
    return sorted(read, key=lambda one: (one.as_of, one.key))


def _read_all(folder: Path) -> Iterator[FinishedCampaign]:
    paths: Sequence[Path] = sorted(folder.glob(f"*/{MANIFEST}")) if folder.is_dir() else []
    for path in paths:
        campaign = None if path.parent.name.startswith(".") else FinishedCampaign.read(path.parent)
        if campaign is not None:
            yield campaign


def _pairs(rows: pl.DataFrame, rates: dict[str, float]) -> pl.DataFrame:
    """Return who would have been offered something: in control, or not and without a random offer.

    Whom the lack of seats gave another offer than the prices, or none, has no propensity for it on record: it
    is taken to be that of the middle among the others with the same product.
    """
    for would, given in WOULD.items():
        rows = rows if would in rows.columns else rows.with_columns(pl.col(given).alias(would))
    left = rows.filter(
        pl.col("would_offer")
        & pl.col("arm").is_in([CONTROL, *TREATED])
        & pl.col("would_product_id").is_not_null()
    ).with_columns(treated=pl.col("arm") != CONTROL)
    reach = pl.col("would_channel").replace_strict(rates, default=1.0, return_dtype=pl.Float64)
    same = pl.all_horizontal(pl.col(given).eq_missing(pl.col(would)) for would, given in WOULD.items())
    chance = pl.when(same).then(pl.col(PROPENSITY) / reach)
    middle = chance.median().over("would_product_id")
    return left.select(
        pl.col(CUSTOMER_ID).cast(pl.String),
        pl.col("would_product_id").cast(pl.String).alias(PRODUCT_ID),
        "treated",
        pl.lit(_chance(left)).alias("chance"),
        pl.coalesce(chance, middle, chance.median(), 0.0).alias(PROPENSITY),
        reach.alias("reach_rate"),
    ).sort(CUSTOMER_ID)


def _chance(rows: pl.DataFrame) -> float:
    """Return the chance of being treated, given one of the two arms, by their logged chances."""
    means = dict(rows.group_by("treated").agg(pl.col("arm_probability").mean()).iter_rows())
    if len(means) < 2:
        return 0.5
    return float(means[True] / (means[True] + means[False]))


def _ids(ids: pa.Array) -> pl.DataFrame:
    return pl.DataFrame({CUSTOMER_ID: pl.Series(ids.to_pylist(), dtype=pl.String)})


def _with_flag(pairs: pl.DataFrame, acquired: pl.DataFrame, key: list[str], name: str) -> pl.DataFrame:
    """Return the pairs, in their order, with a flag of those whose key is among the acquisitions."""
    flagged = acquired.select(pl.col(key).cast(pl.String)).unique().with_columns(pl.lit(True).alias(name))
    joined = pairs.join(flagged, on=key, how="left", maintain_order="left")
    return joined.with_columns(pl.col(name).fill_null(False))
