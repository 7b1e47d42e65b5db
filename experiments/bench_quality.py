"""Ranking, calibration and AUC on the public data beside the project: measured beside what is to be reached.

make bench-quality        (or: python experiments/bench_quality.py [--work DIR] [--folds N] [--peers NAME...])

Peers are other libraries on the same customers and folds, each in an environment of its own that is made in
the work folder (`quality_peers.py`). `--against FILE` compares with the `quality.npz` of an earlier run,
customer by customer.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
SANTANDER = ROOT / "experiments" / "santander"
PUBLISHED = ROOT.parent / "shared" / "data" / "santander"
K = 7
FILES = ("customers_2015_05.parquet", "holdings_2015_01_to_05.parquet", "acquisitions_2015_06.parquet")

sys.path[:0] = [str(ROOT), str(ROOT / "experiments")]

from quality_peers import PEERS

from training.recipe import read_recipe
from vipreco.backtest import BacktestPlan, BacktestResult, backtest, customer_trials, to_markdown
from vipreco.catalog import Catalog
from vipreco.features import FeatureSet
from vipreco.folds import customer_folds
from vipreco.history import History
from vipreco.project import Project
from vipreco.propensity import Machine
from vipreco.recommender import Panel, TrainingData
from vipreco.stats import average_precision, novel, paired_difference
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


@dataclass(frozen=True)
class Judged:
    """Average precision at 7 of each customer, trial by trial and by id: all, TOP segment, novel ones."""

    parts: dict[str, NDArray[np.float64]]
    seconds: float

    @classmethod
    def of(cls, scores: NDArray[Any], found: BacktestResult, seconds: float) -> Judged:
        known = found.judged
        assert known is not None
        every = average_precision(scores, known.truth, known.listable, K)
        fresh = average_precision(scores, novel(known.truth, known.held_before), known.listable, K)
        return cls(
            {"all": every, "TOP": np.where(known.tiers == "TOP", every, np.nan), "novel": fresh}, seconds
        )

    def lines(self, name: str) -> list[Line]:
        told = {part: float(np.nanmean(values)) for part, values in self.parts.items()}
        rows = [Line(f"  {name}: MAP@7, {part}", "", value, True) for part, value in told.items()]
        return [*rows, Line(f"  {name}: CPU seconds", "", self.seconds, True)]

    def against(self, other: Judged, name: str) -> list[Line]:
        """Return the differences; met is what does not lie below 0 for sure."""
        found = {part: paired_difference(own, other.parts[part], 1) for part, own in self.parts.items()}
        return [
            Line(
                f"  vipreco - {name}, {part} [{one.low:+.4f}, {one.high:+.4f}]", "", one.value, one.high >= 0
            )
            for part, one in found.items()
        ]


def peer_data(work: Path, folds: int) -> Path:
    """Write what peers see: flags of five months, a profile without sex, what was acquired."""
    project = Project.find(ROOT)
    history = History.open(work / "tables", threads=project.threads)
    products = Catalog.from_view(
        history.as_of(read_recipe(SANTANDER / "recipe.toml").data.as_of_dates[0])
    ).product_ids
    customers, holdings, acquired = (pl.read_parquet(PUBLISHED / name) for name in FILES)
    customers = customers.with_columns(id=pl.col("ncodpers").cast(pl.String))
    fold = customer_folds(np.array(customers["id"].to_list()), folds, project.seed)
    people = customers.with_columns(fold=pl.Series(fold)).sort("fold", "id")
    names = [f"ind_{product}_ult1" for product in products]
    order = people.select("ncodpers")
    months = sorted(holdings["month"].unique().to_list(), reverse=True)
    flags = [
        order.join(
            holdings.filter(pl.col("month") == month), on="ncodpers", how="left", maintain_order="left"
        )
        .select(pl.col(names).fill_null(0))
        .to_numpy()
        for month in months
    ]
    wide = acquired.with_columns(one=1).pivot(on="product", index="ncodpers", values="one")
    wide = wide.with_columns(pl.lit(0).alias(name) for name in set(names) - set(wide.columns))
    new = order.join(wide, on="ncodpers", how="left", maintain_order="left").select(
        pl.col(names).fill_null(0)
    )
    left_out = ("ncodpers", "month", "sexo", "id", "fold")
    profile = people.select(
        pl.col(name).rank("dense").cast(pl.Float32) if kind == pl.String else pl.col(name).cast(pl.Float32)
        for name, kind in people.schema.items()
        if name not in left_out
    )
    target = work / "peers.npz"
    np.savez(
        target,
        flags=np.stack(flags, axis=1).astype(np.uint8),
        profile=profile.to_numpy(),
        acquired=new.to_numpy().astype(bool),
        fold=people["fold"].to_numpy(),
    )
    return target


def environment(work: Path, requirements: tuple[str, ...]) -> Path:
    """Return the Python of an environment with these packages; made once."""
    place = work / "environments" / "+".join(one.partition("=")[0].strip("<>") for one in requirements)
    python = place / "bin" / "python"
    if not (place / "ready").exists():
        venv.create(place, with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--prefer-binary", "numpy", *requirements]
        subprocess.run(command, check=True)
        (place / "ready").touch()
    return python


def judged_peer(name: str, work: Path, data: Path, found: BacktestResult) -> Judged | None:
    """Run a peer on all folds; None where it fails, with its own error on standard error."""
    target = work / f"{name.replace(' ', '-')}.npy"
    before = os.times()
    try:
        python = environment(work, PEERS[name][0])
        command = [str(python), str(ROOT / "experiments" / "quality_peers.py"), name, str(data), str(target)]
        before = os.times()
        subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": ""})
    except subprocess.CalledProcessError as error:
        print(f"{name} failed: {error}", file=sys.stderr)
        return None
    after = os.times()
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    return Judged.of(np.load(target), found, seconds)


def compared(
    work: Path, folds: int, found: tuple[BacktestResult, float], peers: list[str], against: Path | None
) -> list[Line]:
    """Return our numbers, those of an earlier run, and those of the peers, with paired differences."""
    result, seconds = found
    assert result.judged is not None
    ours = Judged.of(np.asarray(result.judged.scores["vipreco"]), result, seconds)
    np.savez(work / "quality.npz", seconds=ours.seconds, **ours.parts)
    rows = ours.lines("vipreco")
    if against is not None:
        stored = np.load(against)
        rows += ours.against(Judged({part: stored[part] for part in ours.parts}, 0.0), "earlier")
    if peers:
        data = peer_data(work, folds)
        for name in peers:
            judged = judged_peer(name, work, data, result)
            rows += [*judged.lines(name), *ours.against(judged, name)] if judged else []
    return rows


def santander_lines(
    work: Path, folds: int, say: Callable[[str], None], peers: list[str], against: Path | None
) -> list[Line]:
    prepare(work)
    before = time.process_time()
    found = replayed(work, folds, say)
    seconds = time.process_time() - before
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
        *compared(work, folds, (found, seconds), peers, against),
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
        print(f"{line.what:<70}{line.target:>14}{line.measured:>10.4f}  {verdict}")
    print(f"measured in {seconds:.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / "data" / "bench-quality")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--only", choices=["santander", "uci"])
    parser.add_argument(
        "--peers", nargs="*", choices=list(PEERS), default=list(PEERS), help="none: leave them out"
    )
    parser.add_argument("--against", type=Path, help="quality.npz of an earlier run on the same folds")
    options = parser.parse_args()
    if not PUBLISHED.exists():
        sys.exit("the public data sets are not at ../shared/data: nothing to measure")
    options.work.mkdir(parents=True, exist_ok=True)
    start, lines = time.monotonic(), []
    say = lambda sentence: print(f"{time.monotonic() - start:6.0f} s  {sentence}", file=sys.stderr)  # noqa: E731
    if options.only != "uci":
        lines += santander_lines(options.work, options.folds, say, options.peers, options.against)
    if options.only != "santander":
        lines += uci_lines()
    show(lines, time.monotonic() - start)
    named = [asdict(replace(line, measured=round(line.measured, 5))) for line in lines]
    (options.work / "quality.json").write_text(json.dumps(named, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
