"""Ranking, calibration and AUC on the public data beside the project: measured beside what is to be reached.

make bench-quality        (or: python experiments/bench_quality.py [--work DIR] [--folds N])
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
SANTANDER = ROOT / "experiments" / "santander"
PUBLISHED = ROOT.parent / "shared" / "data" / "santander"
FILES = ("customers_2015_05.parquet", "holdings_2015_01_to_05.parquet", "acquisitions_2015_06.parquet")

sys.path.insert(0, str(ROOT))

from training.recipe import read_recipe
from vipreco.backtest import BacktestPlan, BacktestResult, backtest, customer_trials, to_markdown
from vipreco.features import FeatureSet
from vipreco.history import History
from vipreco.project import Project
from vipreco.propensity import Machine
from vipreco.recommender import Panel, TrainingData
from vipreco.tables import import_


@dataclass(frozen=True)
class Line:
    """One measured number: what, what is to be reached, what was reached."""

    what: str
    target: str
    measured: float
    met: bool


def at_least(what: str, target: float, measured: float) -> Line:
    return Line(what, f">= {target}", measured, measured >= target)


def between(what: str, low: float, high: float, measured: float) -> Line:
    return Line(what, f"{low} to {high}", measured, low <= measured <= high)


def import_once(tables: Path, mapping: Path, sources: list[Path]) -> None:
    import_(tables, mapping, sources, Project.find(ROOT).settings)


def prepare(work: Path) -> None:
    """Import the published files and the unbiased sample; nothing happens when they are there.

    After a change of a mapping or of products.csv, begin with an empty work folder.
    """
    sample = work / "sample-files"
    script = SANTANDER / "prepare_random_sample.py"
    source = PUBLISHED / "random_customer_months.parquet"
    if not sample.exists():
        subprocess.run([sys.executable, str(script), str(source), str(sample)], check=True)
    products = SANTANDER / "products.csv"
    import_once(
        work / "tables", SANTANDER / "mapping.toml", [products, *(PUBLISHED / name for name in FILES)]
    )
    prepared = [sample / "random_customers.parquet", sample / "random_holdings.parquet"]
    import_once(work / "sample", SANTANDER / "random_sample.toml", [products, *prepared])


def replayed(work: Path, folds: int, say: Callable[[str], None]) -> BacktestResult:
    """Backtest the recipe of the Santander files over customer folds."""
    project, recipe = Project.find(ROOT), read_recipe(SANTANDER / "recipe.toml")
    history = History.open(work / "tables", threads=project.threads)
    sample = History.open(work / "sample", threads=project.threads)
    training_data = TrainingData(
        Panel(history, recipe.data.as_of_dates), Panel(sample, tuple(sample.snapshot_dates[:-1]))
    )
    plan = BacktestPlan(recipe.backtest.list_length, 500, Machine(project.seed, project.threads))
    trials = customer_trials(training_data, folds, project.seed)
    return backtest(trials, FeatureSet.read(project.features), recipe.recommender, plan, say)


def santander_lines(work: Path, folds: int, say: Callable[[str], None]) -> list[Line]:
    prepare(work)
    found = replayed(work, folds, say)
    frame = found.metrics[found.metrics["metric"].isin(["map@7", "ndcg@7", "recall@7"])]
    (work / "quality.md").write_text(to_markdown(frame), encoding="utf-8")
    rated = found.calibration["all"]
    rivals = ("acquisition-popularity", "held-before-then-acquisitions", "held-before", "implicit-als")
    return [
        at_least("MAP@7, all", 0.883, found.value("map@7")),
        at_least("MAP@7, TOP segment", 0.862, found.value("map@7", "tier TOP")),
        at_least("MAP@7, novel only", 0.781, found.value("map@7", "novel")),
        *(
            Line(f"  baseline {name}: MAP@7, all", "", found.value("map@7", model=name), True)
            for name in rivals
        ),
        between("calibration slope, unseen customers of the sample", 0.9, 1.1, rated["slope"]),
        between("sum of p / acquisitions, unseen customers", 0.9, 1.1, rated["ratio"]),
        between("  the same on listed products", 0.9, 1.1, found.calibration["listed"]["ratio"]),
    ]


def uci_lines() -> list[Line]:
    judged = module_at(ROOT / "experiments" / "002-uci-bank-marketing" / "run.py").judge()
    return [
        at_least("UCI bank-additional, time order, no duration: AUC", 0.80, judged["auc"]),
        Line("  second attempt, found after the judgement: AUC", "", judged["mixture_auc"], True),
    ]


def module_at(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("experiment", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["experiment"] = module
    spec.loader.exec_module(module)
    return module


def show(lines: list[Line], seconds: float) -> None:
    for line in lines:
        verdict = "" if not line.target else "met" if line.met else "NOT MET"
        print(f"{line.what:<58}{line.target:>14}{line.measured:>10.4f}  {verdict}")
    print(f"measured in {seconds:.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "data" / "bench-quality")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--only", choices=["santander", "uci"])
    options = parser.parse_args()
    if not PUBLISHED.exists():
        sys.exit("the public data sets are not at ../shared/data: nothing to measure")
    options.work.mkdir(parents=True, exist_ok=True)
    start, lines = time.monotonic(), []
    say = lambda sentence: print(f"{time.monotonic() - start:6.0f} s  {sentence}", file=sys.stderr)  # noqa: E731
    if options.only != "uci":
        lines += santander_lines(options.work, options.folds, say)
    if options.only != "santander":
        lines += uci_lines()
    show(lines, time.monotonic() - start)
    named = [asdict(replace(line, measured=round(line.measured, 5))) for line in lines]
    (options.work / "quality.json").write_text(json.dumps(named, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
