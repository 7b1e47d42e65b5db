"""The oracle bench: simulate a bank, import it, fit, decide, and judge by what is true; for each seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.errors import UsageError
from vipreco.features import FeatureSet
from vipreco.history import History, window
from vipreco.policy import Policy
from vipreco.propensity import Machine
from vipreco.recommender import Panel, Recommender, TrainingData
from vipreco.settings import Settings
from vipreco.simulator.oracle.arms import ScoredPairs, scored_pairs
from vipreco.simulator.oracle.plan import OraclePlan
from vipreco.simulator.oracle.result import JudgedBank, OracleResult
from vipreco.simulator.oracle.shares import Spending, Truth, earned
from vipreco.simulator.products import Catalogue
from vipreco.simulator.report import SimulationReport
from vipreco.simulator.simulation import simulate
from vipreco.simulator.truth import read_truth
from vipreco.tables import import_

Say = Callable[[str], None]


@dataclass(frozen=True)
class Rim:
    """Parts of a project that the bench uses: feature definitions, rules in force, settings of the import."""

    features: FeatureSet
    policy: Policy
    settings: Settings


def bench_oracle(plan: OraclePlan, rim: Rim, work: Path, say: Say = print) -> OracleResult:
    """Judge every arm on a simulated bank for each seed, against the true chances of the last month.

    Args:
        plan: Banks, fit, judgement.
        rim: Features and import settings of a project.
        work: Empty or missing folder for the banks and their tables; they stay there.
        say: Told what is being done.

    Raises:
        UsageError: The banks are too short to learn from, or longer than a month is asked for.
    """
    _check(plan)
    return OracleResult(
        plan, tuple(judge_bank(plan, rim, work / f"seed-{seed}", seed, say) for seed in plan.seeds)
    )


def judge_bank(plan: OraclePlan, rim: Rim, folder: Path, seed: int, say: Say) -> JudgedBank:
    """Simulate, import, fit, decide and judge one bank."""
    say(f"seed {seed}: simulating {plan.customers:,} customers over {plan.months} months")
    bank = simulate(
        plan.customers, plan.months, seed, folder / "bank", parameters=plan.parameters, threads=plan.threads
    )
    say(f"seed {seed}: importing")
    history = _imported(bank, folder / "tables", rim, plan.threads)
    learnt, judged = dates_of(history.snapshot_dates, plan)
    say(f"seed {seed}: learning from {len(learnt)} months until {learnt[-1]}")
    training_data = TrainingData(Panel(history, learnt))
    recommender = Recommender.fit(
        training_data, rim.features, plan.settings, Machine(seed, plan.threads), policy=rim.policy
    )
    say(f"seed {seed}: deciding and judging as of {judged}")
    known = scored_pairs(recommender, history.as_of(judged), plan.list_length, seed)
    truth = truth_about(known, bank, plan)
    return JudgedBank(
        seed=seed,
        judged=judged,
        learnt=learnt,
        earned=earned(known, truth, Spending(plan.list_length, plan.call_rate)),
        propensity=known.propensity,
        chance=truth.chance,
        allowed=known.allowed,
        vip=known.vip,
    )


def dates_of(snapshots: list[date], plan: OraclePlan) -> tuple[tuple[date, ...], date]:
    """Return the dates that are learnt from, and the one that is judged: no label reaches past it."""
    judged = snapshots[-2]
    labelled = [day for day in snapshots if window(day, plan.settings.horizon_months)[1] <= judged]
    return tuple(labelled[-plan.newest :]), judged


def truth_about(known: ScoredPairs, bank: SimulationReport, plan: OraclePlan) -> Truth:
    """Return the true chances in the rows and columns of the candidates, averaged over the bank's contacts.

    A customer without truth was not at risk before the month and has no chance.
    """
    chance = read_truth(bank.folder, "acquisitions", bank.last_snapshot[:7].replace("-", ""))
    ids = pl.DataFrame({"customer_id": known.customer_ids})
    values = dict(zip(Catalogue().ids, Catalogue().numbers("value").tolist(), strict=True))
    rows = ids.join(chance, on="customer_id", how="left", maintain_order="left")
    return Truth(
        chance=_numbers(rows.select(known.product_ids).fill_null(0)),
        values=np.array([values[product] for product in known.product_ids]),
    )


def _numbers(frame: pl.DataFrame) -> NDArray[np.float64]:
    return np.asarray(frame.to_numpy(), np.float64)


def _imported(bank: SimulationReport, tables: Path, rim: Rim, threads: int) -> History:
    import_(tables, bank.mapping, list(bank.sources), rim.settings)
    return History.open(tables, threads)


def _check(plan: OraclePlan) -> None:
    if plan.settings.horizon_months != 1 or plan.settings.gap_months:
        raise UsageError(
            "the truth of the simulator is about one month",
            where="recommender.horizon_months",
            remedy="judge a recipe with a horizon of one month and no gap",
            code="horizon",
        )
    if plan.months < 3 or not plan.seeds:
        raise UsageError(
            "a bench needs a seed, and a month to learn from before the one that is judged",
            where="--months, --seeds",
            remedy="at least 1 seed and 3 months",
            code="range",
        )
