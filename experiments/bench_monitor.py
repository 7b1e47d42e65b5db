"""Measure the monitoring: quiet banks, planted shifts, concept drift and broken feeds, a million customers.

    python experiments/bench_monitor.py                     # everything, minutes
    python experiments/bench_monitor.py --only scale        # one of: bank, scale
    python experiments/bench_monitor.py --customers 1500    # a trial

One simulated bank lives for 38 months. A model learns from its first year and stays as it is; monitoring then
judges each of the last 24 months as a scheduler would. The same bank with a planted change is judged again.
The table goes to standard output, progress to standard error. Nothing fails when a target is missed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from vipreco.features import FeatureSet
from vipreco.history import History, label_windows
from vipreco.monitoring import (
    FactFiles,
    MonitoredBank,
    MonitoringFinding,
    MonitoringResult,
    MonitoringSettings,
    SnapshotFacts,
    count_view,
    judge,
    monitor,
    shifts_between,
)
from vipreco.project import Project
from vipreco.propensity import Machine
from vipreco.recommender import Panel, Recommender, TrainingData
from vipreco.simulator import simulate
from vipreco.tables import STORED_CONTRACTS, Tables, import_

ROOT = Path(__file__).resolve().parents[1]
SEED, THREADS = 20260101, 2
MONTHS, JUDGED, LEARNT = 38, 24, 3
PSI_LIMIT = 0.1
Frames = dict[str, pa.Table]


def simulated(home: Path, customers: int) -> Frames:
    """Return the tables of a simulated bank as frames."""
    report = simulate(customers, MONTHS, SEED, home / "practice")
    files = [path for path in sorted((home / "practice" / "raw").iterdir()) if path.is_file()]
    import_(home / "tables", report.mapping, files, Project.find(ROOT).settings)
    tables = Tables.open(home / "tables")
    return {
        table: pa.concat_tables(
            [pq.read_table(path) for path in tables.files(table)], promote_options="default"
        )
        for table in STORED_CONTRACTS
        if tables.rows(table)
    }


def trained(history: History, until: date) -> Recommender:
    """Return a model of the recipe `quick` that learnt nothing that came after a date."""
    project = Project.find(ROOT)
    rim = project.import_rim("training.recipe")
    settings = rim.read_recipe(ROOT / "training" / "recipes" / "quick.toml").recommender
    windows = label_windows(history.snapshot_dates, settings.horizon_months, settings.gap_months)
    days = tuple(day for day, (_, end) in windows.items() if end <= until)[-LEARNT:]
    features = FeatureSet.read(project.features, project.settings.tiers)
    data = TrainingData(Panel(history, days))
    return Recommender.fit(data, features, settings, Machine(SEED, THREADS), tell)


def judged(
    frames: Frames, days: Sequence[date], folder: Path, model: Recommender | None
) -> list[MonitoringResult]:
    """Judge a bank at some dates, one after the other."""
    history = History.from_frames(frames, threads=THREADS)
    bank = MonitoredBank(history, FactFiles(folder, "bench", ""))
    if model is not None:
        bank = replace(bank, champion=model, model="bench", model_of=lambda day: _unseen(model, day))
    settings = MonitoringSettings()
    found = []
    for day in days:
        tell(f"judging {day}")
        found.append(monitor(bank, day, settings))
    return found


def _unseen(model: Recommender, day: date) -> Recommender | None:
    return model if model.learnt_until <= day else None


def psi_alarms(results: Sequence[MonitoringResult]) -> int:
    """Count what a plain rule would tell: PSI above 0.1 against the month before, column by column."""
    settings = MonitoringSettings()
    fired = 0
    for result in results:
        counted = [facts for facts in result.facts if facts.columns]
        found = shifts_between(counted[-1], counted[-2], settings).shifts
        fired += sum(shift.psi > PSI_LIMIT for shift in found.values())
    return fired


def with_input_shift(frames: Frames, since: date) -> Frames:
    """Give everybody half as much income again from a date on."""
    customers = frames["customers"]
    income = customers["attribute_income"]
    later = pc.greater_equal(customers["snapshot_date"], pa.scalar(since))
    return _replaced(frames, "attribute_income", pc.if_else(later, pc.multiply(income, 1.5), income))


def with_broken_feed(frames: Frames, since: date) -> Frames:
    """Leave out the income from a date on."""
    customers = frames["customers"]
    income = customers["attribute_income"]
    later = pc.greater_equal(customers["snapshot_date"], pa.scalar(since))
    return _replaced(frames, "attribute_income", pc.if_else(later, pa.scalar(None, income.type), income))


def with_concept_drift(frames: Frames, after: date) -> Frames:
    """Let customers acquire half as often after a date; nothing else changes."""
    holdings = frames["holdings"]
    lottery = np.random.default_rng(SEED).random(holdings.num_rows) < 0.5
    later = pc.greater(holdings["opened_date"], pa.scalar(after)).to_numpy(zero_copy_only=False)
    return {**frames, "holdings": holdings.filter(pa.array(~(later & lottery)))}


def _replaced(frames: Frames, column: str, values: pa.ChunkedArray) -> Frames:
    customers = frames["customers"]
    place = customers.column_names.index(column)
    return {**frames, "customers": customers.set_column(place, column, values)}


def first_alarm(results: Sequence[MonitoringResult], *codes: str) -> int | None:
    """Return how many snapshots after the first one an alarm of such a code came."""
    for place, result in enumerate(results):
        if any(alarm.code.startswith(codes) for alarm in result.alarms):
            return place
    return None


def bank_lines(customers: int) -> Iterator[tuple[str, str, str]]:
    with TemporaryDirectory(prefix="vipreco-monitor-") as work:
        home = Path(work)
        frames = simulated(home, customers)
        days = History.from_frames(frames).snapshot_dates
        watched = days[-JUDGED:]
        model = trained(History.from_frames(frames, threads=THREADS), watched[0])
        quiet = judged(frames, watched, home / "quiet", model)
        alarms = [(result.day, alarm) for result in quiet for alarm in result.alarms]
        for day, alarm in alarms:
            tell(f"{day} {alarm.code} {alarm.subject}: {alarm.what}")
        size = f"{customers:,} customers, {JUDGED} months"
        yield f"quiet bank, {size}: alarms", "<= 1", str(len(alarms))
        yield "the same by PSI > 0.1: columns told", "", str(psi_alarms(quiet))
        shift_day = watched[-4]
        found = first_alarm(
            judged(with_input_shift(frames, shift_day), watched[-4:], home / "shift", None), "input-moved"
        )
        yield "input shift (income x 1.5): snapshots until the alarm", "1", _shown(found)
        found = first_alarm(
            judged(with_broken_feed(frames, shift_day), watched[-4:], home / "feed", None), "feed-"
        )
        yield "broken feed (income empty): snapshots until the alarm", "0", _shown(found)
        drifted = with_concept_drift(frames, watched[-5])
        found = first_alarm(judged(drifted, watched[-5:], home / "drift", model), "calibration-", "ranking-")
        yield "concept drift (half the acquisitions): months until the alarm", "1", _shown(found)


def scale_lines(customers: int, columns: int) -> Iterator[tuple[str, str, str]]:
    """Time counting and judging of many customers and columns."""
    days = [date(2025, 11, 30), date(2025, 12, 31)]
    banks = [wide_bank(customers, columns, day) for day in days]
    history = History.from_frames(
        {table: pa.concat_tables([bank[table] for bank in banks]) for table in banks[0]}, THREADS
    )
    facts, seconds, processor = [], 0.0, 0.0
    for day in days:
        started, used = time.perf_counter(), time.process_time()
        count, counted, rates = count_view(history.as_of(day))
        facts.append(SnapshotFacts(day, count, counted, rates))
        found: tuple[MonitoringFinding, ...] = judge(facts, MonitoringSettings())
        seconds, processor = time.perf_counter() - started, time.process_time() - used
        tell(f"{day}: {seconds:.1f} s, {processor:.1f} s of processor, {len(found)} findings")
    yield f"monitoring of {customers:,} customers x {columns} columns, seconds", "<= 60", f"{seconds:.1f}"
    yield "processor seconds of the same, both processors", "", f"{processor:.1f}"


def wide_bank(customers: int, columns: int, day: date) -> Frames:
    """Return one snapshot with half numbers, a quarter categories, a quarter flags."""
    random = np.random.default_rng(day.toordinal())
    ids = pa.array([f"{number:09d}" for number in range(customers)])
    clocks = {"customer_id": ids, "snapshot_date": pa.array([day] * customers, pa.date32())}
    values: dict[str, pa.Array] = {}
    codes = np.array([f"code {number}" for number in range(20)])
    for number in range(columns):
        kind = number % 4
        if kind < 2:
            values[f"attribute_n{number}"] = pa.array(np.exp(random.normal(8, 2, customers)))
        elif kind == 2:
            values[f"attribute_c{number}"] = pa.array(codes[random.integers(0, 20, customers)])
        else:
            values[f"attribute_f{number}"] = pa.array(random.random(customers) < 0.3)
    return {"customers": pa.table({**clocks, **values}), "observations": pa.table(clocks)}


def _shown(found: int | None) -> str:
    return "never" if found is None else str(found)


def tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", choices=("bank", "scale"))
    parser.add_argument("--customers", type=int, default=4_000)
    parser.add_argument("--wide-customers", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=120)
    chosen = parser.parse_args()
    lines: list[tuple[str, str, str]] = []
    if chosen.only != "bank":
        lines += scale_lines(chosen.wide_customers, chosen.columns)
    if chosen.only != "scale":
        lines += bank_lines(chosen.customers)
    table = Table("what", "target", "measured")
    for line in lines:
        table.add_row(*line)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
