"""Measure the monthly retraining: time and memory of `vipreco retrain` beside a champion, on three folds.

    python experiments/bench_retrain.py                          # 200,000 customers x 24 months
    python experiments/bench_retrain.py --customers 20000        # a trial
    python experiments/bench_retrain.py --work DIR --prepare     # the bank and its champion alone, for later
    python experiments/bench_retrain.py --work DIR               # measures on it

The recipe is the default with the caps on rows that docs/sizing.md names for a bank of this size.
A bank is simulated and imported in the work folder, and a champion learns until a month ago, where there is
none yet. What is measured is one process: store, validation, label leaks, backtest of champion and challenger
on three months, fit on all months, proof of time, verdict, registry, report. The memory is that of the
process and its children together, sampled twice a second. The row goes to standard output, all numbers to
`--out`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from vipreco.history import History
from vipreco.project import Project

GIB = 2**30
SEED = 23
ENDED = frozenset({0, 4})
"""Exit codes of a retraining that came to its end: passed, or held back by a gate."""
RECIPE, FIRST = "monthly", "first"
CHAMPION = "data/bench-champion.json"
FOLDS = 3
CAPS = """[recommender.propensity]
max_rate_rows = 200000
max_acquirer_rows = 80000

[recommender.relationship]
max_rows = 150000

"""
PRODUCT = "[recommender.propensity.product]"
EASY_GATE = """
[[gate]]
metric = "auc"
min_value = 0.5
"""
"""Of the first champion, which has to be there whatever it is worth."""


@dataclass(frozen=True)
class Retraining:
    """One measured retraining.

    Args:
        customers: Of the simulated bank, those who joined later included.
        months: Snapshots.
        products: Of the catalogue.
        seconds: On the clock.
        cpu_seconds: Of the process and its children.
        peak_bytes: Most memory of the process and its children together.
        outcome: Of the gates.
        stages: Seconds of each stage.
    """

    customers: int
    months: int
    products: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    outcome: str
    stages: dict[str, float] = field(default_factory=dict)


def say(sentence: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {sentence}", file=sys.stderr, flush=True)


def made_bank(work: Path, customers: int, months: int) -> Path:
    """Return a project with a champion that learnt until a month ago; made where there is none."""
    bank = work / "bank"
    if not (work / "practice").exists():
        work.mkdir(parents=True, exist_ok=True)
        size = ["--customers", str(customers), "--months", str(months), "--seed", str(SEED)]
        vipreco(work, "simulate", *size, "--out", "practice")
    if not (bank / "data" / "tables").exists():
        vipreco(work, "new", "bank")
        raw = sorted(str(path) for path in (work / "practice" / "raw").resolve().iterdir() if path.is_file())
        vipreco(bank, "import", "--mapping", str((work / "practice" / "mapping.toml").resolve()), *raw)
    write_recipe(bank, RECIPE, {"rolling_folds": str(FOLDS)})
    write_recipe(bank, FIRST, {"rolling_folds": "1\nrelationship_folds = 0", "newest": "2"}, EASY_GATE)
    if not (bank / CHAMPION).exists():
        until = snapshots(bank)[-2]
        vipreco(bank, "retrain", "--recipe", FIRST, "--as-of", str(until), "--promote")
        if not told_of(bank)["champion"]:
            raise SystemExit("the first model is no champion: there is nothing to compare with")
        (bank / CHAMPION).write_bytes((bank / "data" / "retrain" / "last.json").read_bytes())
    return bank


def told_of(bank: Path) -> dict[str, Any]:
    """Return how the last retraining ended."""
    return dict(json.loads((bank / "data" / "retrain" / "last.json").read_bytes()))


def write_recipe(bank: Path, name: str, settings: dict[str, str], gate: str = "") -> None:
    """Write the default recipe with some settings and smaller caps on rows, under a name of its own.

    The first champion learns from two months and has one month judged: it costs little, and the measured
    retraining judges its settings anew, on the months of the challenger.
    """
    recipes = bank / "training" / "recipes"
    lines = (recipes / "default.toml").read_text(encoding="utf-8").splitlines()
    for setting, value in {"name": f'"{name}"', **settings}.items():
        place = next(number for number, line in enumerate(lines) if line.startswith(f"{setting} = "))
        lines[place] = f"{setting} = {value}"
    text = "\n".join(lines).replace(PRODUCT, CAPS + PRODUCT, 1) + "\n" + gate
    (recipes / f"{name}.toml").write_text(text, encoding="utf-8")


def snapshots(bank: Path) -> tuple[date, ...]:
    project = Project.find(bank)
    return tuple(History.open(project.tables, project.threads).snapshot_dates)


def products(bank: Path) -> int:
    project = Project.find(bank)
    view = History.open(project.tables, project.threads).as_of(snapshots(bank)[-1])
    return int(view.query("SELECT count(DISTINCT product_id) AS n FROM products")["n"][0].as_py())


def vipreco(folder: Path, *arguments: str) -> None:
    say("vipreco " + " ".join(arguments[:6]))
    done = subprocess.run([sys.executable, "-m", "vipreco.cli", *arguments], cwd=folder, check=False)
    if done.returncode not in ENDED:
        raise SystemExit(done.returncode)


def measured(bank: Path, customers: int) -> Retraining:
    """Retrain beside the champion in a process of its own, and watch its memory."""
    say(f"vipreco retrain --recipe {RECIPE}")
    begun, before = time.perf_counter(), os.times()
    command = [sys.executable, "-m", "vipreco.cli", "retrain", "--recipe", RECIPE]
    child = subprocess.Popen(command, cwd=bank)
    peak: list[int] = [0]
    watch = threading.Thread(target=watch_memory, args=(child, peak), daemon=True)
    watch.start()
    code = child.wait()
    seconds, after = time.perf_counter() - begun, os.times()
    watch.join()
    if code not in ENDED:
        raise SystemExit(code)
    told = told_of(bank)
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Retraining(
        customers,
        len(snapshots(bank)),
        products(bank),
        seconds,
        cpu,
        peak[0],
        told["outcome"],
        told["seconds"],
    )


def watch_memory(child: subprocess.Popen[bytes], peak: list[int]) -> None:
    """Keep the largest sum of the memory of a process and all that it started, until it ends."""
    while child.poll() is None:
        peak[0] = max(peak[0], sum(map(resident, family(child.pid))))
        time.sleep(0.5)


def family(process: int) -> list[int]:
    """Return a process and its descendants."""
    found = [process]
    for one in found:
        try:
            told = Path(f"/proc/{one}/task/{one}/children").read_text(encoding="ascii")
        except OSError:
            continue
        found.extend(map(int, told.split()))
    return found


def resident(process: int) -> int:
    """Return the memory of a process; what several share counts in part for each of them."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def show(found: Retraining) -> None:
    for name, seconds in found.stages.items():
        print(f"  {name:<32} {seconds:>8.1f} s")
    print(
        f"vipreco retrain, backtest of both on {FOLDS} folds, {found.customers:,} customers x {found.months} "
        f"months x {found.products} products: {found.seconds / 60:.1f} min, {found.cpu_seconds / 60:.1f} min "
        f"of CPU, peak {found.peak_bytes / GIB:.2f} GiB ({found.outcome}; asked <= 20 min, <= 8 GiB)"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--work", type=Path, default=Path("data/bench-retrain"))
    parser.add_argument("--prepare", action="store_true", help="Make the bank and its champion, and end.")
    parser.add_argument("--out", type=Path, default=Path("build/bench-retrain.json"))
    chosen = parser.parse_args()
    folder = made_bank(chosen.work, chosen.customers, chosen.months)
    if not chosen.prepare:
        row = measured(folder, chosen.customers)
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        chosen.out.write_text(json.dumps(asdict(row), indent=1) + "\n", encoding="utf-8")
        show(row)
