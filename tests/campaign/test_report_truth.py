"""The whole way in a simulated bank: a campaign is lived through, imported, reported; the truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from vipreco.campaign import Report, in_control, make_report
from vipreco.campaign.report.finished_run import FinishedRun
from vipreco.history import History
from vipreco.settings import Settings
from vipreco.simulator import (
    CHANNELS,
    TIERS,
    ForwardSpec,
    MonthHazards,
    WarmBank,
    hazards_of_month,
    warm_start,
)
from vipreco.simulator.forward.choices import Choices, contacts_of
from vipreco.simulator.forward.records import deliver_month
from vipreco.simulator.month import live
from vipreco.tables import import_

PAST, CONTROL, SALT = 3, 0.4, "truth"
SETTINGS = Settings.model_validate({"project": {"name": "truth"}, "import": {}})
CALL, APP = CHANNELS.index("call"), CHANNELS.index("app")


@dataclass(frozen=True)
class Lived:
    """A report, and what is true of its campaign."""

    report: Report
    alone: float
    contacted: float


def offers(warm: WarmBank, hazards: MonthHazards) -> pl.DataFrame:
    """Everybody who can be called or written to is offered the product that they are likeliest to acquire."""
    block = warm.blocks[0]
    consent = block.state.consent == 1
    able = hazards.present & (consent[:, CALL] | consent[:, APP]) & (hazards.hazard.max(axis=1) > 0)
    row = np.flatnonzero(able)
    product = hazards.probability[row].argmax(axis=1)
    channel = np.where(consent[row, CALL], CALL, APP)
    silent = np.array(warm.bank.parameters.contacts.no_answer_probability)[channel]
    alone = hazards.probability[row, product]
    raised = -np.expm1(-hazards.hazard[row, product] * np.exp(hazards.effect[row, channel]))
    ids = block.ids.gather(row)
    return pl.DataFrame(
        {
            "row": row, "product": product, "code": channel, "alone": alone,
            "contacted": silent * alone + (1 - silent) * raised, "customer_id": ids,
            "tier": [TIERS[code] for code in block.state.tier[row]],
            "control": in_control(ids, SALT, CONTROL),
        }
    ).sort("customer_id")  # fmt: skip


def run_of(warm: WarmBank, offered: pl.DataFrame) -> FinishedRun:
    bank = warm.bank
    snapshot = bank.calendar.snapshot_date(PAST)
    start = bank.calendar.snapshot_date(PAST - 1) + timedelta(days=1)
    products = pl.Series(bank.catalogue.ids, dtype=pl.String)
    value = bank.catalogue.numbers("value")[offered["product"].to_numpy()]
    rows = offered.select(
        "customer_id", "tier", branch_id=pl.lit("B"), manager_id=pl.lit("M"),
        arm=pl.when("control").then(pl.lit("control")).otherwise(pl.lit("offered")),
        product_id=products.gather(offered["product"]),
        channel=pl.Series(CHANNELS, dtype=pl.String).gather(offered["code"]),
        propensity=pl.col("contacted").cast(pl.Float64), value_amount=pl.Series(value, dtype=pl.Float64),
        cost_amount=1.0, priority=1.0, would_offer=True,
        arm_probability=pl.when("control").then(CONTROL).otherwise(1 - CONTROL), action_probability=1.0,
    )  # fmt: skip
    campaign = {
        "name": "Truth", "start_date": str(start), "end_date": str(snapshot), "control_share": CONTROL,
        "products": sorted(rows["product_id"].unique()),
    }  # fmt: skip
    return FinishedRun(rows, {"campaign_id": f"K{bank.calendar.label(PAST)}", "campaign": campaign})


def live_through(warm: WarmBank, hazards: MonthHazards, offered: pl.DataFrame, work: Path) -> None:
    """Contact the offered, let the month happen, and import what the bank learns of it."""
    block, bank = warm.blocks[0], warm.bank
    made = offered.filter(~pl.col("control")).sort("row")
    zeros = np.zeros(made.height, np.int64)
    chosen: Any = [made[name].to_numpy().astype(np.int64) for name in ("row", "product", "code")]
    contacts = contacts_of(bank, block, hazards, Choices(zeros, *chosen), PAST)
    lived = [(block, live(bank, block, hazards, contacts, PAST))]
    files, _ = deliver_month(bank, lived, PAST, warm.late, work / "month")
    import_(warm.tables, warm.mapping, files, warm.settings)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    work = tmp_path_factory.mktemp("truth")
    warm = warm_start(ForwardSpec(5000, PAST, 1, seed=9), SETTINGS, work / "bank")
    hazards = hazards_of_month(warm.bank, warm.blocks[0], PAST)
    offered = offers(warm, hazards)
    run = run_of(warm, offered)
    live_through(warm, hazards, offered, work)
    history = History.open(warm.tables)
    report = make_report(run, history, history.snapshot_dates[-1], seed=1)
    return Lived(report, float(offered["alone"].mean()), float(offered["contacted"].mean()))


def test_the_report_finds_the_true_lift(lived: Lived) -> None:
    found = lived.report.measures.primary
    assert found.lift.low < lived.contacted - lived.alone < found.lift.high
    assert found.adjusted.low < lived.contacted - lived.alone < found.adjusted.high
    assert found.relative.low < lived.contacted / lived.alone - 1 < found.relative.high
    assert found.lift.low > 0.01
    assert lived.report.words.tone == "good"


def test_the_forecast_is_what_was_observed(lived: Lived) -> None:
    """The chances with a contact are exact here; some acquisitions reach the bank's records late."""
    ratio = lived.report.measures.forecast.ratio
    assert ratio.low < 1 < ratio.high


def test_contacts_and_checks_are_those_of_the_bank(lived: Lived) -> None:
    steps = {one.name: one for one in lived.report.measures.funnel}
    assert steps["contacted"].share > 0.9  # a few contacts reach the bank's records late
    assert 0.5 < steps["reached"].share < 1
    assert lived.report.measures.touched == 0
    assert all(check.fine for check in lived.report.measures.checks)
