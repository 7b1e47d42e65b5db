"""A bank whose campaigns moved VIP customers alone, while holders of a card buy the fund anyway."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from tests import small_bank
from tests.mapping_text import source

MONTHS = small_bank.month_ends(2024, 1, 4)
PRODUCTS = ("account", "card", "fund")
CONTROL = 0.4
ADDED = 0.35
MAPPING = (
    source(
        "customers.parquet",
        "customers",
        *("customer_id", "snapshot_date", "tier", "manager_id"),
        consent_call='{ column = "consent_call", true = ["yes"], false = ["no"] }',
    )
    + source(
        "products.parquet",
        "products",
        *("product_id", "name", "family", "offered_from", "unit_value_amount"),
        channels='{ column = "channels", separator = "|" }',
    )
    + source("holdings.parquet", "holdings", "customer_id", "product_id", "opened_date")
)


class CampaignBank:
    """Customers, what they hold, and campaigns about the fund that were run among them.

    Args:
        customers: How many.
        campaigns: Months (places in `MONTHS`) at whose end a campaign was planned, for the month after.
        seed: Of everything.
        added: What an offer adds to the chance of a VIP customer.
    """

    def __init__(
        self, customers: int, campaigns: tuple[int, ...] = (2,), seed: int = 1, added: float = ADDED
    ) -> None:
        random = np.random.default_rng(seed)
        self.ids = [f"C{number:05d}" for number in range(customers)]
        self.vip = random.random(customers) < 0.4
        self.card = random.random(customers) < 0.5
        self.control = random.random(customers) < CONTROL
        self.bought: list[tuple[str, str, date]] = [(one, "account", date(2023, 6, 1)) for one in self.ids]
        self.bought += [(self.ids[row], "card", date(2023, 7, 1)) for row in np.flatnonzero(self.card)]
        self.assigned: dict[int, pl.DataFrame] = {}
        held = np.zeros(customers, bool)
        for month in range(len(MONTHS) - 1):
            offered = np.zeros(customers, bool)
            if month in campaigns:
                self.assigned[month] = self._assignments(~held)
                offered = ~held & ~self.control
            chance = np.where(held, 0.0, self.propensity + added * (offered & self.vip))
            buys = random.random(customers) < chance
            day = MONTHS[month + 1].replace(day=10)
            self.bought += [(self.ids[row], "fund", day) for row in np.flatnonzero(buys)]
            held |= buys

    @property
    def propensity(self) -> NDArray[np.float64]:
        """Chance of the fund in a month without an offer, shape (n,)."""
        return np.where(self.card, 0.15, 0.04)

    def _assignments(self, free: NDArray[np.bool_]) -> pl.DataFrame:
        frame = pl.DataFrame(
            {
                "customer_id": self.ids,
                "arm": np.where(self.control, "control", "offered").tolist(),
                "product_id": ["fund"] * len(self.ids),
                "channel": ["call"] * len(self.ids),
                "propensity": self.propensity * 0.8,
                "would_offer": [True] * len(self.ids),
                "arm_probability": np.where(self.control, CONTROL, 1 - CONTROL),
                "action_probability": np.where(self.control, np.nan, 1.0),
            }
        )
        return frame.filter(pl.Series(free))

    def frames(self) -> dict[str, pa.Table]:
        """Return the tables of the bank."""
        tiers = np.where(self.vip, "VIP", "MASS").tolist()
        managers = ["M1"] * len(self.ids)
        return {
            "customers": small_bank.customers_table(self.ids, MONTHS, tier=tiers, manager_id=managers),
            "products": small_bank.products_table(PRODUCTS, ["branch", "call"]),
            "holdings": small_bank.holdings_table(self.bought),
        }

    def write_files(self, folder: Path) -> list[Path]:
        """Write the tables as a bank's own files, with `mapping.toml` beside them; return the files."""
        folder.mkdir(parents=True)
        (folder / "mapping.toml").write_text(MAPPING, encoding="utf-8")
        frames: dict[str, pl.DataFrame] = {name: pl.DataFrame(table) for name, table in self.frames().items()}
        frames["customers"] = frames["customers"].with_columns(consent_call=pl.lit("yes"))
        products = frames["products"].with_columns(pl.col("channels").list.join("|"))
        frames["products"] = products.drop("offered_until", "repeatable", "prerequisites")
        for name, frame in frames.items():
            frame.write_parquet(folder / f"{name}.parquet")
        return [folder / f"{name}.parquet" for name in frames]

    def write_campaigns(self, folder: Path) -> None:
        """Write the folders of the campaigns, as a run leaves them."""
        for month, rows in self.assigned.items():
            run = folder / f"fund-{month}"
            run.mkdir(parents=True)
            rows.write_parquet(run / "assignments.parquet")
            (run / "manifest.json").write_text(json.dumps(self.manifest(month)), encoding="utf-8")

    def manifest(self, month: int) -> dict[str, Any]:
        """Return what a run writes about itself, as far as it is read here."""
        begin, end = (MONTHS[month + 1].replace(day=day) for day in (1, 28))
        return {
            "as_of_date": MONTHS[month].isoformat(),
            "campaign": {
                "start_date": begin.isoformat(),
                "end_date": end.isoformat(),
                "channels": {"call": {"reach_rate": 0.8}},
            },
        }
