"""Does vipreco's propensity code rank phone contacts as well as the published figure, in time order?

The question, the rule and the answer are in `report.md`. Rows are contacts in time order; a row is only
scored by a booster that was fitted on earlier rows, and its features use only earlier rows' outcomes.

    python experiments/002-uci-bank-marketing/run.py select    # compare arms on the first half
    python experiments/002-uci-bank-marketing/run.py judge     # the chosen arm and baselines, second half
    python experiments/002-uci-bank-marketing/run.py again     # the second attempt, second half
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import softmax

from vipreco.propensity import Booster, BoosterSettings, Calibration, Examples, Machine
from vipreco.stats import auc, recalibration

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[2] / "shared" / "data" / "uci_bank" / "bank_additional_full.parquet"
TARGET = "y"
LEAK = "duration"  # known only after the call; who is called "yes" talks longer
FIRST_SCORED = 5_000  # arms are compared from here to the middle of the file, judged from there on
BLOCK = 1_000  # rows of the blocks that the mean AUC is taken over

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Memory:
    """A recent success rate: of contacts alike in `alike`, halving its weight every `half_life` of them."""

    half_life: float
    alike: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return "_".join(("recent_rate", *self.alike, f"{self.half_life:g}"))


SMALL = BoosterSettings(
    rounds=100, num_leaves=7, min_data_in_leaf=50, feature_fraction=0.5, lambda_l2=10, learning_rate=0.05
)
OVERALL = (Memory(50), Memory(200), Memory(1000))


@dataclass(frozen=True)
class Plan:
    """Fit and sight of a moving model.

    Args:
        step: Contacts scored before the next refit.
        window: Newest contacts that a refit sees; 0 is all of them.
        delay: An outcome is known this many contacts later; 1 is as soon as the call ends.
        memories: Recent success rates among the columns.
        fading: Half-life in contacts of a fitted row's weight; 0 is equal weights.
        recalibrated: Newest scored contacts that each refit recalibrates on; 0 is none.
        calendar: Whether the size of the day's campaign so far and of the day before are columns.
        settings: Of the booster.
        seeds: One booster a seed; their scores are averaged.
        left_out: Columns that the model does not see.
    """

    step: int = 500
    window: int = 15_000
    delay: int = 1
    memories: tuple[Memory, ...] = OVERALL
    fading: float = 0
    recalibrated: int = 0
    calendar: bool = False
    settings: BoosterSettings = SMALL
    seeds: tuple[int, ...] = (1,)
    left_out: tuple[str, ...] = (LEAK,)


START = Plan()
CHANGES: dict[str, dict[str, Any]] = {
    "every 250": {"step": 250},
    "all earlier rows": {"window": 0},
    "window 10,000": {"window": 10_000},
    "window 5,000": {"window": 5_000},
    "window 2,000": {"window": 2_000},
    "fading by 5,000": {"fading": 5_000},
    "fading by 2,000": {"fading": 2_000},
    "recalibrated on 2,000": {"recalibrated": 2_000},
    "recalibrated on 500": {"recalibrated": 500},
    "no recent rates": {"memories": ()},
    "faster recent rates": {"memories": (Memory(20), *OVERALL, Memory(500))},
    "recent rates of groups": {
        "memories": (*OVERALL, *(Memory(100, (alike,)) for alike in ("job", "poutcome", "contact")))
    },
    "size of the campaign": {"calendar": True},
    "3 seeds": {"seeds": (1, 2, 3)},
    "4 leaves": {"settings": SMALL.model_copy(update={"num_leaves": 4})},
    "50 rounds": {"settings": SMALL.model_copy(update={"rounds": 50})},
    "a third of the columns": {"settings": SMALL.model_copy(update={"feature_fraction": 0.3})},
    "a fifth of the columns": {"settings": SMALL.model_copy(update={"feature_fraction": 0.2})},
}
# What the first half chose; the step is set by the run time, not by a score.
CHOSEN = replace(START, step=250, settings=SMALL.model_copy(update={"feature_fraction": 0.2}))
COMPARED: dict[str, dict[str, Any]] = {
    "outcome known 50 later": {"delay": 50},
    "outcome known 200 later": {"delay": 200},
    "no recent rates": {"memories": ()},
    "fitted once": {"step": 10**9, "memories": ()},
    "LEAK: with duration": {"left_out": ()},
}


def read(path: Path = DATA) -> pd.DataFrame:
    """Return the contacts in the file's order, which is time order."""
    return pd.read_parquet(path)


def outcomes(contacts: pd.DataFrame) -> Flags:
    """Return whether each contact ended in a subscription, shape (n,)."""
    return (contacts[TARGET] == "yes").to_numpy()


def columns(contacts: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Return what the model sees of each contact; nothing in a row depends on a later row or outcome."""
    own = contacts.drop(columns=[TARGET, *plan.left_out])
    texts = own.select_dtypes(exclude="number").columns
    coded = own.assign(
        **{name: pd.factorize(own[name])[0] for name in texts}
    )  # numbered as they first appear
    rates = {each.name: recent_rate(contacts, each, plan.delay) for each in plan.memories}
    return coded.assign(**rates, **(campaign_size(contacts) if plan.calendar else {}))


def recent_rate(contacts: pd.DataFrame, memory: Memory, delay: int) -> Floats:
    """Return the success rate of earlier like contacts, newest counting most; NaN before the first."""
    alike = _group_numbers(contacts, memory.alike)
    number = np.arange(len(contacts))
    outcome = pd.Series(outcomes(contacts), dtype=np.float64)
    rate = outcome.groupby(alike).ewm(halflife=memory.half_life).mean().droplevel(0).sort_index()
    known = pd.DataFrame({"number": number + delay, "alike": alike, "rate": rate.to_numpy()})
    asked = pd.DataFrame({"number": number, "alike": alike})
    return pd.merge_asof(asked, known, on="number", by="alike")["rate"].to_numpy()


def campaign_size(contacts: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """Return how many were called so far today and on the day before; a day ends when its name changes."""
    day = contacts[["month", "day_of_week"]]
    number = (day != day.shift()).any(axis=1).cumsum()
    size = number.value_counts()
    today = contacts.groupby(number).cumcount()
    return {"calls_today": today.to_numpy(), "calls_day_before": (number - 1).map(size).to_numpy()}


def moving_scores(contacts: pd.DataFrame, plan: Plan, start: int, stop: int) -> Floats:
    """Return P(yes) of the contacts start..stop-1, each by a booster fitted on earlier contacts alone."""
    table = columns(contacts, plan)
    values, yes = table.to_numpy(np.float32), outcomes(contacts)
    raw = np.full(stop, np.nan)
    scores = raw.copy()
    for first in range(start, stop, plan.step):
        rows = slice(first, min(first + plan.step, stop))
        known = first - plan.delay + 1  # outcomes of contacts before this one are known
        boosters = _fit(values, yes, known, tuple(table.columns), plan)
        raw[rows] = np.mean([booster.score(values[rows]) for booster in boosters], axis=0)
        scores[rows] = _recalibration(raw, yes, known, plan).apply(raw[rows, None])[:, 0]
    return scores[start:]


def _fit(
    values: NDArray[np.float32], yes: Flags, known: int, names: tuple[str, ...], plan: Plan
) -> list[Booster]:
    rows = slice(max(known - plan.window, 0) if plan.window else 0, known)
    age = np.arange(known - rows.start, 0, -1)
    weights = np.exp2(-age / plan.fading) if plan.fading else np.ones(len(age))
    examples = Examples(values[rows], yes[rows], weights.astype(np.float32))
    return [Booster.fit(examples, names, plan.settings, Machine(seed, threads=1)) for seed in plan.seeds]


def _recalibration(raw: Floats, yes: Flags, known: int, plan: Plan) -> Calibration:
    """Fit a slope and an intercept on the newest contacts that were scored before their outcome was known."""
    rows = np.arange(max(known - plan.recalibrated, 0), known)
    rows = rows[np.isfinite(raw[rows])]
    if len(rows) < plan.recalibrated or not yes[rows].any() or not plan.recalibrated:
        return Calibration.identity(1)
    everything = np.ones((len(rows), 1), np.bool_)
    return Calibration.fit(raw[rows, None], yes[rows, None], everything, np.ones(len(rows)), (0.5, 0.25))


def _group_numbers(contacts: pd.DataFrame, alike: tuple[str, ...]) -> NDArray[np.int64]:
    if not alike:
        return np.zeros(len(contacts), np.int64)
    return np.asarray(contacts.groupby(list(alike), sort=False).ngroup(), np.int64)


def mixed_scores(contacts: pd.DataFrame, plans: Sequence[Plan], start: int, stop: int) -> Floats:
    """Return the mixture of several plans' scores; the first plan says the step and the delay."""
    each = np.column_stack([moving_scores(contacts, plan, start, stop) for plan in plans])
    return mixture(each, outcomes(contacts)[start:stop], plans[0].step, plans[0].delay)


def mixture(scores: Floats, yes: Flags, step: int, delay: int) -> Floats:
    """Weigh models, shape (n, models), by their likelihood so far: Bayes' rule with equal priors.

    Weights move at the first row of each step, by the outcomes known then. There is nothing to tune, and
    the log loss stays within log(models) of the best model's (Cesa-Bianchi, Lugosi 2006, chapter 9).
    """
    likely = np.where(yes[:, None], scores, 1 - scores)
    evidence = np.vstack([np.zeros(scores.shape[1]), np.cumsum(np.log(likely), axis=0)])
    first = np.arange(len(yes)) // step * step
    weights = softmax(evidence[np.maximum(first - delay + 1, 0)], axis=1)
    return np.asarray((weights * scores).sum(axis=1))


def shuffled_scores(contacts: pd.DataFrame, plan: Plan, folds: int = 5) -> Floats:
    """Return scores by folds drawn at random: it sees the future, and shows what time order costs."""
    table, yes = columns(contacts, plan), outcomes(contacts)
    values, fold = table.to_numpy(np.float32), np.random.default_rng(1).integers(0, folds, len(yes))
    scores = np.empty(len(yes))
    for each in range(folds):
        rest = fold != each
        examples = Examples(values[rest], yes[rest], np.ones(rest.sum(), np.float32))
        booster = Booster.fit(examples, tuple(table.columns), plan.settings, Machine(seed=1, threads=1))
        scores[~rest] = booster.score(values[~rest])
    return scores


def quality(scores: Floats, yes: Flags) -> dict[str, float]:
    """Return pooled AUC, mean AUC by block, ALIFT (0.5 at random, all three), calibration slope and ratio."""
    line, share, area = recalibration(scores, yes), float(yes.mean()), auc(scores, yes)
    return {
        "auc": area,
        "auc_by_block": float(np.mean(_block_aucs(scores, yes))),
        "alift": share / 2 + (1 - share) * area,  # area under successes reached against contacts made
        "calibration_slope": line.slope,
        "expected_over_observed": float(scores.sum() / yes.sum()),
    }


def _block_aucs(scores: Floats, yes: Flags) -> list[float]:
    blocks = [slice(first, first + BLOCK) for first in range(0, len(yes), BLOCK)]
    return [auc(scores[rows], yes[rows]) for rows in blocks if 0 < yes[rows].mean() < 1]


def interval(scores: Floats, yes: Flags, draws: int = 300, run: int = 100) -> tuple[float, float]:
    """Return a 95 % interval of the pooled AUC; runs of neighbouring contacts are drawn together."""
    starts, generator = np.arange(0, len(yes) - run + 1, run), np.random.default_rng(1)
    drawn = [generator.choice(starts, len(starts))[:, None] + np.arange(run) for _ in range(draws)]
    areas = [auc(scores[rows.ravel()], yes[rows.ravel()]) for rows in drawn]
    return float(np.quantile(areas, 0.025)), float(np.quantile(areas, 0.975))


def arms() -> dict[str, Plan]:
    """Return the plans that the first half compares: the starting plan, and one change at a time."""
    return {"start": START, **{name: replace(START, **change) for name, change in CHANGES.items()}}


def select(contacts: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return the first half's AUC of each arm over three seeds; the second half is cut off before."""
    contacts = contacts.iloc[: len(contacts) // 2]
    return {name: _over_seeds(contacts, plan) for name, plan in arms().items()}


def _over_seeds(contacts: pd.DataFrame, plan: Plan) -> dict[str, float]:
    yes = outcomes(contacts)[FIRST_SCORED:]
    plans = [plan] if len(plan.seeds) > 1 else [replace(plan, seeds=(seed,)) for seed in (1, 2, 3)]
    areas = [auc(moving_scores(contacts, each, FIRST_SCORED, len(contacts)), yes) for each in plans]
    return {"auc": float(np.mean(areas)), "lowest": min(areas), "highest": max(areas)}


def judge(path: Path = DATA) -> dict[str, float]:
    """Return the second half's quality: `auc` of the chosen plan, `mixture_auc` of the second attempt."""
    began, contacts = perf_counter(), read(path)
    middle, count = len(contacts) // 2, len(contacts)
    with ThreadPoolExecutor(2) as pool:  # each booster is grown by one thread, so the numbers stay the same
        each = pool.map(lambda plan: moving_scores(contacts, plan, middle, count), second_attempt(CHOSEN))
        scores = np.column_stack(list(each))
    yes = outcomes(contacts)[middle:]
    mixed = quality(mixture(scores, yes, CHOSEN.step, CHOSEN.delay), yes)
    counts = {"rows": len(yes), "successes": int(yes.sum()), "seconds": perf_counter() - began}
    return {
        **quality(scores[:, 0], yes),
        **{f"mixture_{name}": value for name, value in mixed.items()},
        **counts,
    }


def second_attempt(plan: Plan) -> list[Plan]:
    """Return the plans that are mixed: this one, and with more or fewer columns; few enough for a minute."""
    names = ("no recent rates", "recent rates of groups", "size of the campaign")
    return [plan, *(replace(plan, **CHANGES[name]) for name in names)]


def judge_all(contacts: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return the second half's quality of the chosen plan, of what it is compared with, and of baselines."""
    middle, count, yes = len(contacts) // 2, len(contacts), outcomes(contacts)
    plans = {"chosen": CHOSEN, **{name: replace(CHOSEN, **change) for name, change in COMPARED.items()}}
    models = {name: moving_scores(contacts, plan, middle, count) for name, plan in plans.items()}
    every = {**models, **{name: scores[middle:] for name, scores in baselines(contacts).items()}}
    return {name: _judged(scores, yes[middle:]) for name, scores in every.items()}


def attempt_again(contacts: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return the quality of the second attempt, made after the second half was seen; see the report."""
    middle, count, yes = len(contacts) // 2, len(contacts), outcomes(contacts)
    found = {}
    for delay in (1, 50, 200):
        plans = second_attempt(replace(CHOSEN, delay=delay))
        found[f"mixture, outcome known {delay} later"] = mixed_scores(contacts, plans, middle, count)
    letter = replace(START, step=CHOSEN.step, **CHANGES["4 leaves"])
    found["4 leaves instead of a fifth of the columns"] = moving_scores(contacts, letter, middle, count)
    groups = replace(CHOSEN, **CHANGES["recent rates of groups"])
    found["recent rates of groups alone"] = moving_scores(contacts, groups, middle, count)
    found["shuffled, sees the future"] = shuffled_scores(contacts, groups)[middle:]
    return {name: _judged(scores, yes[middle:]) for name, scores in found.items()}


def _judged(scores: Floats, yes: Flags) -> dict[str, float]:
    low, high = interval(scores, yes)
    return {**quality(scores, yes), "auc_low": low, "auc_high": high}


def baselines(contacts: pd.DataFrame) -> dict[str, Floats]:
    """Return scores that need no model: recent success rates, and who said yes in an earlier campaign."""
    rates = {f"only {each.name}": recent_rate(contacts, each, 1) for each in OVERALL}
    before = np.where(contacts["poutcome"] == "success", 0.5, 0.05)
    return {**rates, "only poutcome": before}


def write(section: str, found: Mapping[str, Any]) -> None:
    """Put a section into results.json, rounded to what the data can tell."""
    path = HERE / "results.json"
    results = json.loads(path.read_text("utf-8")) if path.exists() else {}
    rows = {name: {key: round(value, 4) for key, value in row.items()} for name, row in found.items()}
    path.write_text(json.dumps({**results, section: rows}, indent=2) + "\n", "utf-8")
    print(pd.DataFrame(rows).T.to_string())


def main(command: str) -> None:
    if command == "select":
        write("first_half", select(read()))
    elif command == "judge":
        write("second_half", judge_all(read()))
    elif command == "again":
        write("second_attempt", attempt_again(read()))
    else:
        sys.exit("say select, judge or again")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
