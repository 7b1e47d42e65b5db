"""Measure the monitoring: quiet banks, planted shifts, concept drift and broken feeds, a million customers.

    python experiments/bench_monitor.py                     # everything, minutes
    python experiments/bench_monitor.py --only scale        # one of: bank, scale
    python experiments/bench_monitor.py --customers 1500    # a trial

One simulated bank lives for 39 months. Its chances are the true ones, so whatever moves is the bank and not a
model. Each of the last 24 months is judged as a scheduler would, then the last four with a planted change.
The table goes to standard output, progress to standard error. Nothing fails when a target is missed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from vipreco.history import History
from vipreco.monitoring import (
    ColumnCounts,
    FactFiles,
    Matured,
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
from vipreco.recommender import label_matrix
from vipreco.simulator import Parameters, simulate
from vipreco.stats import auc, hanley_mcneil, number_codes
from vipreco.tables import STORED_CONTRACTS, Tables, import_

ROOT = Path(__file__).resolve().parents[1]
SEED, THREADS = 20260101, 2
MONTHS, JUDGED = 39, 24
PSI_LIMIT = 0.1
Frames = dict[str, pa.Table]


@dataclass(frozen=True)
class TrueBank:
    """A simulated bank whose chances are the true ones: whatever moves is the bank, not a model.

    Args:
        frames: Its tables.
        chances: By as-of date, customer_id and a column a product: true chances of the month that follows.
    """

    frames: Frames
    chances: dict[date, pl.DataFrame]


def simulated(home: Path, customers: int) -> TrueBank:
    """Return a simulated bank with the true chances of its judged months."""
    parameters = Parameters(truth_months=MONTHS - 1)
    report = simulate(customers, MONTHS, SEED, home / "practice", parameters=parameters)
    files = [path for path in sorted((home / "practice" / "raw").iterdir()) if path.is_file()]
    import_(home / "tables", report.mapping, files, Project.find(ROOT).settings)
    tables = Tables.open(home / "tables")
    frames = {
        table: pa.concat_tables(
            [pq.read_table(path) for path in tables.files(table)], promote_options="default"
        )
        for table in STORED_CONTRACTS
        if tables.rows(table)
    }
    days = History.from_frames(frames).snapshot_dates
    truth = home / "practice" / "truth"
    return TrueBank(
        frames,
        {day: pl.read_parquet(truth / f"acquisitions_{after:%Y%m}.parquet") for day, after in pairwise(days)},
    )


def judged(bank: TrueBank, days: Sequence[date], folder: Path) -> list[MonitoringResult]:
    """Judge a bank at some dates, one after the other, with chances and matured labels."""
    history = History.from_frames(bank.frames, threads=THREADS)
    settings = MonitoringSettings()
    tables = MonitoredBank(history, FactFiles(folder, "", ""))
    found, labelled = [], {}
    for day in days:
        tell(f"judging {day}")
        facts = {each.day: each for each in monitor(tables, day, settings).facts}
        facts = {each: with_chances(known, bank.chances.get(each)) for each, known in facts.items()}
        past = [each for each in bank.chances if each < day][-settings.history_months :]
        for each in past:
            if each not in labelled:
                labelled[each] = with_labels(SnapshotFacts(each, 0), bank, history)
            known = facts.get(each) or SnapshotFacts(each, 0)
            facts[each] = replace(known, matured=labelled[each].matured, ranking=labelled[each].ranking)
        ordered = tuple(facts[each] for each in sorted(facts))
        found.append(MonitoringResult(day, judge(ordered, settings), ordered))
    return found


def with_chances(facts: SnapshotFacts, chances: pl.DataFrame | None) -> SnapshotFacts:
    """Add the distribution of the chances of each product."""
    if chances is None or not facts.columns:
        return facts
    columns = {}
    for product in chances.columns[1:]:
        codes, rows = np.unique(number_codes(chances[product].to_numpy()), return_counts=True)
        counts = {str(code): count for code, count in zip(codes.tolist(), rows.tolist(), strict=True)}
        columns[f"score/{product}"] = ColumnCounts("number", 0, counts)
    return replace(facts, columns={**facts.columns, **columns}, model="truth")


def with_labels(facts: SnapshotFacts, bank: TrueBank, history: History) -> SnapshotFacts:
    """Add what was expected of the month after a date and what came, for all, by product and by tier."""
    chances = bank.chances[facts.day].sort("customer_id")
    products = tuple(chances.columns[1:])
    ids = np.asarray(chances["customer_id"].to_list(), np.str_)
    until = next(day for day in history.snapshot_dates if day > facts.day)
    truth = label_matrix(ids, products, history.acquisitions(facts.day, until))
    expected = chances.select(products).to_numpy().astype(np.float64)
    people = history.as_of(facts.day).population()
    tier_of = dict(zip(people["customer_id"].to_pylist(), people["tier"].to_pylist(), strict=True))
    tiers = np.array([tier_of.get(each) or "" for each in ids.tolist()])
    matured = {"all": matured_of(expected, truth)}
    for place, product in enumerate(products):
        matured[f"product {product}"] = matured_of(expected[:, [place]], truth[:, [place]])
    for tier in sorted(set(tiers.tolist()) - {""}):
        matured[f"tier {tier}"] = matured_of(expected[tiers == tier], truth[tiers == tier])
    value = auc(expected.ravel(), truth.ravel())
    cases = float(truth.sum())
    return replace(facts, matured=matured, ranking=(value, hanley_mcneil(value, cases, truth.size - cases)))


def matured_of(expected: np.ndarray, truth: np.ndarray) -> Matured:
    """Return the sums of some pairs, with the squared distances of customers."""
    chance, happened = expected.sum(axis=1), truth.sum(axis=1)
    total, came = float(chance.sum()), float(happened.sum())
    away = happened - chance * (came / total if total else 1.0)
    return Matured(total, came, float(away @ away))


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
        bank = simulated(home, customers)
        watched = [*bank.chances][-JUDGED:]
        quiet = judged(bank, watched, home / "quiet")
        alarms = [(result.day, alarm) for result in quiet for alarm in result.alarms]
        for day, alarm in alarms:
            tell(f"{day} {alarm.code} {alarm.subject}: {alarm.what}")
        size = f"{customers:,} customers, {JUDGED} months"
        yield f"quiet bank, {size}: alarms", "<= 1", str(len(alarms))
        yield "the same by PSI > 0.1: columns told", "", str(psi_alarms(quiet))
        last = watched[-4:]
        shifted = replace(bank, frames=with_input_shift(bank.frames, last[0]))
        found = first_alarm(judged(shifted, last, home / "shift"), "input-moved")
        yield "input shift (income x 1.5): snapshots until the alarm", "1", _shown(found)
        broken = replace(bank, frames=with_broken_feed(bank.frames, last[0]))
        found = first_alarm(judged(broken, last, home / "feed"), "feed-")
        yield "broken feed (income empty): snapshots until the alarm", "0", _shown(found)
        drifted = replace(bank, frames=with_concept_drift(bank.frames, last[0]))
        found = first_alarm(judged(drifted, last, home / "drift"), "calibration-", "ranking-")
        yield "concept drift (half the acquisitions): matured months until the alarm", "1", _shown(found)


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
