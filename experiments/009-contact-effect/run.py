"""Experiment 009: effects of contacts against the truth of a simulator. Run: python run.py WORK [SEED...].

Without seeds: the deciding banks, whose results go into a file beside this one. With seeds: those banks,
without a file. What was found about a bank stays in WORK, so that several runs can share the banks.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import tomlkit

from training.recipe import read_recipe
from vipreco.contact_effect import EffectRow
from vipreco.features import FeatureSet
from vipreco.history import History, label_windows
from vipreco.project import Project
from vipreco.propensity import BoosterSettings, Machine
from vipreco.recommender import Panel, Recommender, RecommenderSettings, TrainingData
from vipreco.simulator import Parameters, simulate
from vipreco.tables import import_

SEEDS, CUSTOMERS, MONTHS = range(901, 921), 2_000, 20
POLICIES = {"with the random part": 0.3, "without it": 0.0}
FIRST_DAY = 0.0  # contacts on the first day of a month: the simulator moves the hazard of whole months
FEATURES = ("holding_states", "holding_changes", "presence", "product_state", "profile", "tier_distance")
LEFT_OUT = (
    "held_lag_[1-9]",
    "times_*",
    "snapshots_*",
    "held_rate",
    "gained_year_ago",
    "months_since_first_*",
    "balance",
)
RESULTS = Path(__file__).with_name("results.json")
CONTACTS = "SELECT contact_id, channel, CAST(contacted_at AS DATE) AS day FROM contacts"


def bank(folder: Path, seed: int, random_share: float, project: Project) -> History:
    """Simulate and import a bank."""
    if not (folder / "tables").exists():
        plain = Parameters()
        contacts = replace(plain.contacts, random_share=random_share, contact_days=FIRST_DAY)
        made = simulate(
            CUSTOMERS, MONTHS, seed, folder / "bank", parameters=replace(plain, contacts=contacts), threads=1
        )
        import_(folder / "tables", made.mapping, list(made.sources), project.settings)
    return History.open(folder / "tables", threads=1)


def fitted(history: History, seed: int, project: Project) -> Recommender:
    """Fit as `vipreco train` does, on all months, without the models that this is not about."""
    recipe = read_recipe(project.root / "training" / "recipes" / "quick.toml").recommender
    single = BoosterSettings(rounds=1)  # of the model itself, which the effects do not read
    propensity = recipe.propensity.model_copy(update={"product": single, "any": single})
    changed = {"relationship_horizon_months": 0, "propensity": propensity, "leave_out": LEFT_OUT}
    settings: RecommenderSettings = recipe.model_copy(update=changed)
    days = tuple(label_windows(history.snapshot_dates, settings.horizon_months))
    features = some_features(project)
    return Recommender.fit(TrainingData(Panel(history, days)), features, settings, Machine(seed, 1))


def some_features(project: Project) -> FeatureSet:
    """Return features about holdings, profile and tier; with all of them 40 banks are not affordable."""
    definition = dict(FeatureSet.read(project.features, project.settings.tiers).definition)
    dictionary = tomlkit.parse(definition["dictionary.toml"].decode())
    entries = [entry for entry in dictionary["file"].unwrap() if entry["name"] in FEATURES]
    for name in [name for name in definition if name.endswith(".sql") and name[:-4] not in FEATURES]:
        del definition[name]
    definition["dictionary.toml"] = tomlkit.dumps({"file": entries}).encode()
    return FeatureSet.from_definition(definition)


def truth(folder: Path, history: History) -> pl.DataFrame:
    """Return hazards of each recorded contact without it and with it, and its channel."""
    days = history.snapshot_dates
    known = pl.DataFrame(history.as_of(days[-1]).query(CONTACTS)).filter(pl.col("day") > days[0])
    true = pl.read_parquet(folder / "bank" / "truth" / "contacts.parquet")
    joined = known.join(true, on="contact_id", how="inner", validate="1:1")
    chance = pl.col("probability").cast(pl.Float64)
    return joined.select(
        "channel",
        without=-(-(chance - pl.col("gain"))).log1p(),
        with_contact=-(-chance).log1p(),
    )


def judged(folder: Path, seed: int, random_share: float, project: Project) -> Iterator[dict[str, Any]]:
    """Give a row for each channel and placebo of a bank: estimate, interval, and what is true."""
    history = bank(folder, seed, random_share, project)
    learnt = fitted(history, seed, project).contact_effects.model
    true = truth(folder, history).group_by("channel").sum()
    sums = {channel: (low, high) for channel, low, high in true.iter_rows()}
    for row in learnt.evidence if learnt else ():
        if row.group:
            continue
        without, with_contact = sums[row.channel]
        real = math.log(with_contact / without) if row.what == "channel" else 0.0
        yield {**_numbers(row), "true": real, "seed": seed, "without": without, "with": with_contact}


def kept(work: Path, seed: int, random_share: float, project: Project) -> list[dict[str, Any]]:
    """Return the rows of a bank, from WORK where they are known."""
    folder = work / f"{seed}-{random_share}"
    path = folder / "rows.json"
    if not path.exists():
        rows = list(judged(folder, seed, random_share, project))
        path.write_text(json.dumps(rows), encoding="utf-8")
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _numbers(row: EffectRow) -> dict[str, Any]:
    names = ("what", "channel", "contacts", "acquisitions", "expected", "effect", "low", "high", "in_force")
    return {name: getattr(row, name) for name in names}


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return coverage of the intervals, and bias over all banks, by what was estimated."""
    found: dict[str, Any] = {}
    for what in sorted({row["what"] for row in rows}):
        some = [row for row in rows if row["what"] == what]
        channels = sorted({row["channel"] for row in some})
        found[what] = {
            "all": _judged(some),
            **{name: _judged([row for row in some if row["channel"] == name]) for name in channels},
        }
    return found


def _judged(rows: list[dict[str, Any]]) -> dict[str, Any]:
    covered = [
        (row["low"] is None or row["low"] <= row["true"])
        and (row["high"] is None or row["true"] <= row["high"])
        for row in rows
    ]
    seen, expected = (sum(row[name] for row in rows) for name in ("acquisitions", "expected"))
    placebo = rows[0]["what"] != "channel"
    real = 0.0 if placebo else math.log(sum(r["with"] for r in rows) / sum(r["without"] for r in rows))
    pooled = math.log(seen / expected) if seen else None
    in_force = [row["in_force"] - row["true"] for row in rows if row["in_force"] is not None]
    return {
        "intervals": len(rows),
        "covered": sum(covered),
        "acquisitions": seen,
        "expected": expected,
        "pooled": pooled,
        "true": real,
        "bias": None if pooled is None else pooled - real,
        "in_force_error": float(np.sqrt(np.mean(np.square(in_force)))) if in_force else None,
    }


def main(work: Path, seeds: list[int]) -> None:
    """Run the banks of some seeds; the deciding ones leave a file of results."""
    project, found = Project.find(Path(__file__).resolve()), {}
    for policy, share in POLICIES.items():
        rows: list[dict[str, Any]] = []
        for seed in seeds or list(SEEDS):
            rows += kept(work, seed, share, project)
            print(policy, seed, flush=True)
        found[policy] = {"summary": summary(rows), "rows": rows}
        print(json.dumps(found[policy]["summary"], indent=1), flush=True)
    if not seeds:
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(seed) for seed in sys.argv[2:]])
