"""One measured step of `bench_speed.py`, in a process of its own; prints its own times as one line of JSON.

    python experiments/speed_steps.py STEP WORK_FOLDER

Steps: santander, archive-import, archive-features, archive-fit, archive-score, ingest, outage, shell, recipe.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import lightgbm
import pyarrow.parquet as pq

from vipreco.errors import DependencyDownError
from vipreco.explanations import Explainer
from vipreco.export import write_table
from vipreco.features import FeatureSet
from vipreco.history import History, View
from vipreco.lists import offer_list, view_at
from vipreco.project import Project, parse_toml
from vipreco.propensity import Machine
from vipreco.recommender import Panel, Recommender, RecommenderSettings, TrainingData
from vipreco.tables import import_

PROJECT = Project.find(Path(__file__))
SANTANDER = PROJECT.root / "experiments/santander"
PUBLIC = PROJECT.root.parent / "shared/data/santander"
RECIPE = SANTANDER / "recipe.toml"
PRODUCTS = SANTANDER / "products.csv"
ARCHIVE = "train_generated.csv"
MACHINE = Machine(PROJECT.seed, threads=2)
TOP = 7
LEARNT_MONTHS = 2
RECIPE_CUSTOMERS, RECIPE_MONTHS, RECIPE_SEED = 18_500, 18, 61
INGESTED, HELD, PRODUCTS_HELD = 100_000, 10, 20
INGEST_MAPPING = """
[[source]]
file = "customers.csv"
[[source.table]]
table = "customers"
[source.table.columns]
customer_id = "customer_id"
snapshot_date = "snapshot_date"
tier = "tier"
aum_amount = "aum_amount"

[[source]]
file = "products.csv"
[[source.table]]
table = "products"
columns = { product_id = "product_id", name = "name", family = "family" }

[[source]]
file = "holdings.csv"
[[source.table]]
table = "holdings"
[source.table.columns]
customer_id = "customer_id"
product_id = "product_id"
opened_date = "opened_date"
closed_date = "closed_date"
"""

Facts = dict[str, float]


@dataclass
class Stopwatch:
    """Seconds by name."""

    seconds: Facts = field(default_factory=dict)

    @contextmanager
    def timing(self, name: str) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begin


def say(sentence: str) -> None:
    print(f"  {sentence}", file=sys.stderr, flush=True)


def imported(tables: Path, mapping: str, *files: Path) -> History:
    """Import into an empty folder and open what came of it."""
    shutil.rmtree(tables, ignore_errors=True)
    import_(tables, SANTANDER / mapping, [PRODUCTS, *files], PROJECT.settings)
    return opened(tables)


def opened(tables: Path) -> History:
    return History.open(tables, MACHINE.threads)


def fit_and_save(training_data: TrainingData, settings: RecommenderSettings, folder: Path) -> Recommender:
    shutil.rmtree(folder, ignore_errors=True)
    features = FeatureSet.read(PROJECT.features)
    recommender = Recommender.fit(training_data, features, settings, MACHINE, say)
    recommender.save(folder, {}, training_data.acquirers.views()[-1])
    return recommender


def write_offers(recommender: Recommender, view: View, path: Path) -> int:
    """Write the ranked list of every customer, as `vipreco offers --all` does; return the rows."""
    offers = offer_list(Explainer(recommender), view, TOP, say)
    if len(offers) < view.population().num_rows:
        raise SystemExit(f"{len(offers)} offers are fewer than customers: times without work mean nothing")
    write_table(offers, path, "parquet")
    return offers.height


def santander(work: Path) -> Facts:
    """Import, fit as the recipe says (without backtest), write the offers of all customers."""
    work, watch = work / "santander", Stopwatch()
    with watch.timing("import"):
        history = imported(work / "tables", "mapping.toml", *sorted(PUBLIC.glob("[!mr]*_2015_0*.parquet")))
        settings, rates = santander_recipe(work)
    training_data = TrainingData(Panel(history, (date(2015, 5, 31),)), rates)
    with watch.timing("fit"):
        recommender = fit_and_save(training_data, settings, work / "artifact")
    with watch.timing("offers"):
        rows = write_offers(recommender, history.as_of(date(2015, 5, 31)), work / "offers.parquet")
    return {**watch.seconds, "offers_written": rows}


def santander_recipe(work: Path) -> tuple[RecommenderSettings, Panel | None]:
    """Return the settings of the recipe, and the unbiased sample where it asks for one."""
    if not RECIPE.exists():
        return RecommenderSettings(), None
    from training.recipe import Recipe, labelled_dates

    recipe = parse_toml(RECIPE, Recipe)
    if not recipe.data.rates_tables:
        return recipe.recommender, None
    sample = random_sample(work)
    return recipe.recommender, Panel(sample, tuple(labelled_dates(recipe.recommender, sample.snapshot_dates)))


def random_sample(work: Path) -> History:
    script, source = SANTANDER / "prepare_random_sample.py", PUBLIC / "random_customer_months.parquet"
    subprocess.run([sys.executable, script, source, work], check=True, stdout=sys.stderr)
    files = [work / "random_customers.parquet", work / "random_holdings.parquet"]
    return imported(work / "sample_tables", "random_sample.toml", *files)


def archive_import(work: Path) -> Facts:
    """Import the archive into an empty folder."""
    history = imported(work / "archive_tables", "kaggle.toml", work / ARCHIVE)
    return {"snapshots": len(history.snapshot_dates)}


def ingest(work: Path) -> Facts:
    """L9: import 100,000 customers and a million holdings from CSV files into a new project, from the shell.

    The memory is that of the command: this process holds 120 MiB of training that no import loads.
    """
    work, watch = work / "ingest", Stopwatch()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    files = [work / name for name in ("customers.csv", "products.csv", "holdings.csv")]
    with files[0].open("w") as written:
        written.write("customer_id,snapshot_date,tier,aum_amount\n")
        written.writelines(f"C{one:07d},2025-12-31,GOLD,{one}.50\n" for one in range(INGESTED))
    with files[1].open("w") as written:
        written.write("product_id,name,family\n")
        written.writelines(f"P{one:02d},Product {one},family\n" for one in range(PRODUCTS_HELD))
    with files[2].open("w") as written:
        written.write("customer_id,product_id,opened_date,closed_date\n")
        for one in range(INGESTED):
            written.writelines(
                f"C{one:07d},P{(one + held) % PRODUCTS_HELD:02d},2024-{held % 12 + 1:02d}-05,\n"
                for held in range(HELD)
            )
    (work / "mapping.toml").write_text(INGEST_MAPPING)
    run_vipreco(work, "new", "bank")
    with watch.timing("import"):
        run_vipreco(work / "bank", "import", "--mapping", "../mapping.toml", *map(str, files))
    stored = (work / "bank/data/tables").rglob("*.parquet")
    accepted = sum(pq.read_metadata(path).num_rows for path in stored)
    if accepted != INGESTED * (HELD + 2) + PRODUCTS_HELD:  # a row of a customer is an observation too
        raise SystemExit(f"only {accepted} rows were accepted: times without work mean nothing")
    return {**watch.seconds, "rows": accepted}


def archive_features(work: Path) -> Facts:
    """Compute the features of the newest snapshot for all customers, down to the dense matrices."""
    watch, features = Stopwatch(), FeatureSet.read(PROJECT.features)
    with watch.timing("features"):
        view = view_at(opened(work / "archive_tables"))
        computed = features.compute(view, view.catalog_table()["product_id"].to_pylist())
        with watch.timing("matrices"):
            rows = sum(
                len(matrix.values) for matrix in computed.chunks(RecommenderSettings().chunk_customers)
            )
    return {**watch.seconds, "customers": rows, "columns": len(computed.names)}


def archive_fit(work: Path) -> Facts:
    """Fit on the newest two as-of months whose label month is known."""
    watch, history = Stopwatch(), opened(work / "archive_tables")
    dates = tuple(history.snapshot_dates[-LEARNT_MONTHS - 1 : -1])
    with watch.timing("fit"):
        fit_and_save(TrainingData(Panel(history, dates)), RecommenderSettings(), work / "artifact")
    return dict(watch.seconds)


def archive_score(work: Path) -> Facts:
    """Score everybody of the newest snapshot and write the lists; then the raw predictions alone."""
    watch, recommender = Stopwatch(), Recommender.load(work / "artifact", MACHINE.threads)
    inside = Stopwatch()
    with watch.timing("scoring"), boosters_timed(inside):
        view = view_at(opened(work / "archive_tables"))
        rows = write_offers(recommender, view, work / "offers.parquet")
    customers = predict_alone(recommender, view, watch)
    around = watch.seconds["scoring"] - inside.seconds["predict"]
    facts = {
        "customers": customers,
        "offers_written": rows,
        "around": around,
        "within": inside.seconds["predict"],
    }
    return {**watch.seconds, **facts, "ratio": around / watch.seconds["raw_predict"]}


@contextmanager
def boosters_timed(watch: Stopwatch) -> Iterator[None]:
    """Count the time inside `Booster.predict`, so that the rest is known exactly."""
    predict: Callable[..., Any] = lightgbm.Booster.predict

    def timed(*arguments: Any, **named: Any) -> Any:
        with watch.timing("predict"):
            return predict(*arguments, **named)

    setattr(lightgbm.Booster, "predict", timed)  # noqa: B010  a checked assignment would be refused
    try:
        yield
    finally:
        setattr(lightgbm.Booster, "predict", predict)  # noqa: B010


def predict_alone(recommender: Recommender, view: View, watch: Stopwatch) -> int:
    """Time the boosters by themselves on the matrices that the scoring gave them; return the customers."""
    boosters = [
        *recommender.model.product.boosters,
        *([recommender.model.any] if recommender.model.any else []),
    ]
    computed = recommender.features.compute(view, recommender.product_ids).encoded(recommender.vocabulary)
    for matrix in computed.chunks(recommender.settings.chunk_customers):
        values = recommender.columns_of(matrix)
        with watch.timing("raw_predict"):
            for booster in boosters:
                booster.model.predict(values, num_threads=MACHINE.threads)
    return len(computed)


def outage(work: Path) -> Facts:
    """Ask a registry that hangs, one that refuses, and one whose database is locked."""
    watch = Stopwatch()
    folder = work / "outage"
    shutil.rmtree(folder, ignore_errors=True)
    with socket.create_server(("127.0.0.1", 0)) as hole:
        hangs = f"http://127.0.0.1:{hole.getsockname()[1]}"
        for name, uri in (("hangs", hangs), ("refuses", "http://127.0.0.1:9")):
            _give_up(watch, name, _project_at(folder / name, uri))
    locked = _project_at(folder / "locked", "sqlite:///tracking.db")
    with closing(sqlite3.connect(locked.root / "tracking.db", isolation_level=None)) as locker:
        locker.execute("BEGIN EXCLUSIVE")
        _give_up(watch, "locked", locked)
    return watch.seconds


def _project_at(folder: Path, tracking: str) -> Project:
    folder.mkdir(parents=True)
    (folder / "vipreco.toml").write_text(f'[project]\nname = "bench"\ntracking = "{tracking}"\n')
    return Project.find(folder)


def _give_up(watch: Stopwatch, name: str, project: Project) -> None:
    from training import registry

    with watch.timing(name), suppress(DependencyDownError):
        registry.list_versions(project)
        raise SystemExit(f"the registry that {name} answered")


def shell(work: Path) -> Facts:
    """Ask for a call list, a sheet and offers of the demo bank from the shell; median CPU of three each.

    A first run of each compiles the modules, as the installation of a wheel does.
    """
    demo = work / "demo"
    if not (demo / "data/artifacts/aliases.json").exists():
        run_vipreco(work, "demo", str(demo))
    view = view_at(opened(demo / "data/tables"))
    sql = """SELECT manager_id, count(*) AS n, min(customer_id) AS customer_id FROM customers_now
        WHERE manager_id IS NOT NULL GROUP BY manager_id ORDER BY n DESC, manager_id LIMIT 1"""
    book = view.query(sql).to_pylist()[0]
    manager = ["--manager", book["manager_id"]]
    commands = {
        "calllist": ["calllist", *manager],
        "sheet": ["sheet", "--customer", book["customer_id"], *manager],
        "offers": ["offers", *manager],
    }
    found = {}
    for name, command in commands.items():
        _, *times = (run_vipreco(demo, *command) for _ in range(4))
        found[name] = sorted(times)[1]
    return {**found, "customers": book["n"]}


def recipe(work: Path) -> Facts:
    """Train the default recipe on a simulated bank; CPU, and calibration in its backtest."""
    from training import registry

    folder, bank = work / "recipe", work / "recipe/bank"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    size = ["--customers", str(RECIPE_CUSTOMERS), "--months", str(RECIPE_MONTHS)]
    run_vipreco(folder, "simulate", *size, "--seed", str(RECIPE_SEED), "--out", "practice")
    run_vipreco(folder, "new", "bank")
    files = sorted(str(path) for path in (folder / "practice/raw").iterdir() if path.is_file())
    run_vipreco(bank, "import", "--mapping", "../practice/mapping.toml", *files)
    used = run_vipreco(bank, "train", "--recipe", "default")
    newest = registry.list_versions(Project.find(bank), metrics=True)[0]
    told = {name: newest.metrics[f"calibration_{name}"] for name in ("ratio", "slope")}
    return {"minutes": used / 60, **told}


def run_vipreco(folder: Path, *arguments: str) -> float:
    """Run a command in a process of its own, and return the seconds of CPU that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "vipreco.cli", *arguments]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, env=_compiling())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _compiling() -> dict[str, str]:
    """Return the environment of a command that keeps what it compiles, whatever the shell says."""
    prefix = Path(tempfile.gettempdir()) / f"vipreco-bytecode-{os.getuid()}"
    known = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**known, "PYTHONPYCACHEPREFIX": str(prefix)}


STEPS: dict[str, Callable[[Path], Facts]] = {
    "santander": santander,
    "archive-import": archive_import,
    "archive-features": archive_features,
    "archive-fit": archive_fit,
    "archive-score": archive_score,
    "ingest": ingest,
    "outage": outage,
    "shell": shell,
    "recipe": recipe,
}


def peak_bytes() -> int:
    """Return the largest resident memory so far of this process, or of the largest of its children.

    The kernel's own count (`ru_maxrss`) of a process starts at the size of the one that started it; the high
    water mark of the memory map does not. A child's count starts at our size, which is below our peak.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    own = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) * 1024


def main() -> None:
    name, work = sys.argv[1], Path(sys.argv[2]).resolve()
    sys.path.insert(0, str(PROJECT.root))
    facts = STEPS[name](work)
    print(json.dumps({"facts": facts, "peak_bytes": peak_bytes()}))


if __name__ == "__main__":
    main()
