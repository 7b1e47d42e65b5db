"""Experiment 003: do the models of attrition and tier upgrades beat simple rules?

Run: python run.py WORK [SEED...]

WORK is a folder for the simulated banks; one that is there already is used again. Without seeds: all of them.
Question, decision rule and result: report.md.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))

from vipreco.backtest import ChangePlan, ChangeResult, backtest_changes
from vipreco.durable import write_json
from vipreco.features import FeatureSet
from vipreco.history import History
from vipreco.project import Project
from vipreco.propensity import Machine, RelationshipSettings
from vipreco.recommender import Panel, RecommenderSettings
from vipreco.simulator import simulate
from vipreco.tables import import_

RESULTS = HERE / "results.json"
SEEDS = (31, 32, 33)
SECOND_SEEDS = (34, 35, 36)
KIND_SEEDS = (37, 38, 39)
CUSTOMERS, MONTHS = 20_000, 24
FOLDS, RESAMPLES = 4, 1000
PROJECT = Project.find(ROOT)
REFERENCE, SECOND, KINDS = "reference", "second attempt", "three kinds"
TIER_UPGRADE = RelationshipSettings().tier_upgrade
FIRST: dict[str, Any] = {"dates": 12, "tier_upgrade": TIER_UPGRADE.model_copy(update={"rounds": 200})}
ARMS: dict[str, dict[str, Any]] = {
    REFERENCE: FIRST,
    "all customer columns": {**FIRST, "leave_out": ()},
    "three dates": {**FIRST, "dates": 3},
    KINDS: {},
    SECOND: {"dates": 18, "tier_upgrade": TIER_UPGRADE.model_copy(update={"rounds": 400})},
}


def say(sentence: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {sentence}", flush=True)


def bank(work: Path, seed: int) -> History:
    """Return the imported history of a simulated bank."""
    folder = work / f"bank-{seed}"
    if not (folder / "tables" / "manifest.json").is_file():
        say(f"simulating bank {seed}")
        made = simulate(CUSTOMERS, MONTHS, seed, folder / "raw", threads=PROJECT.threads)
        import_(folder / "tables", made.mapping, made.sources, PROJECT.settings)
        shutil.rmtree(folder / "raw")
    return History.open(folder / "tables", PROJECT.threads)


def judged(history: History, arm: str) -> ChangeResult:
    """Return the backtest of an arm on one bank."""
    features = FeatureSet.read(PROJECT.features, PROJECT.settings.tiers)
    plain = RecommenderSettings()
    settings = plain.model_copy(
        update={"relationship": plain.relationship.model_copy(update=dict(ARMS[arm]))}
    )
    plan = ChangePlan(FOLDS, RESAMPLES, Machine(PROJECT.seed, PROJECT.threads))
    return backtest_changes(Panel(history, ()), features, settings, plan, say)


def arms_of(seed: int) -> list[str]:
    """Return the arms that a bank decides about."""
    if seed in KIND_SEEDS:
        return [KINDS]
    if seed in SECOND_SEEDS:
        return [SECOND]
    return [arm for arm in ARMS if arm not in (SECOND, KINDS)] if seed == SEEDS[0] else [REFERENCE]


def main() -> None:
    work = Path(sys.argv[1]).resolve()
    seeds = [int(seed) for seed in sys.argv[2:]] or [*SEEDS, *SECOND_SEEDS, *KIND_SEEDS]
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    for seed in seeds:
        history = bank(work, seed)
        for arm in arms_of(seed):
            say(f"bank {seed}, {arm}")
            found = judged(history, arm)
            rows = json.loads(found.metrics.to_json(orient="records", double_precision=6))
            results[f"{seed}, {arm}"] = {"trials": found.trials, "remark": found.remark, "metrics": rows}
            write_json(RESULTS, dict(sorted(results.items())))


if __name__ == "__main__":
    main()
