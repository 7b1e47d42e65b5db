"""Does a learner of uplift find whom an e-mail brings to visit, on customers that it has not seen?

The question and the rule stand in `question.md`, the answer in `report.md`. A half of the customers is held
out, by a seed, before anything else is done; `select` cuts it off and never reads its outcomes.

    python experiments/006-uplift-hillstrom/run.py            # select, then judge
    python experiments/006-uplift-hillstrom/run.py select     # compares learners on the training half
    python experiments/006-uplift-hillstrom/run.py judge      # all learners on the held-out half
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import matplotlib as mpl
import numpy as np
import polars as pl
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vipreco.backtest import save_figure
from vipreco.documents import CHART_COLOURS, CHART_STYLE
from vipreco.propensity import Machine
from vipreco.stats import Estimate, HeldOut, JudgedOrder, judge_orders, qini_curve
from vipreco.uplift import LEARNERS, LearnerContext, RandomisedRows, UpliftSettings
from vipreco.uplift_trial import (
    before_treatment,
    fit_learner,
    fit_response,
    folds_of,
    overlap,
    placebo,
    unseen_scores,
)

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[2] / "shared" / "data" / "hillstrom" / "hillstrom.parquet"
RESULTS = HERE / "results.json"
SPLIT_SEED, SEED, FOLDS, RESAMPLES, PLACEBOS = 6, 1, 5, 500, 5
PRIMARY, RESPONSE, RANDOM = "any e-mail", "response model", "random"
NONE = "No E-Mail"
CONTRASTS = {
    PRIMARY: ("Mens E-Mail", "Womens E-Mail"),
    "women's e-mail": ("Womens E-Mail",),
    "men's e-mail": ("Mens E-Mail",),
}
DEPTHS = (0.1, 0.3, 0.5)

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Customers:
    """Customers of one half: number in the file, what was known before, arm, whether they visited."""

    ids: NDArray[np.str_]
    known: pl.DataFrame
    arm: NDArray[Any]
    visited: Mask

    def rows(self, contrast: str) -> RandomisedRows:
        """Return the customers of a contrast: of its e-mails, or without one."""
        mails = CONTRASTS[contrast]
        mailed = np.isin(self.arm, mails)
        kept = mailed | (self.arm == NONE)
        values = self.known.to_numpy().astype(np.float32)[kept]
        chance = np.full(kept.sum(), len(mails) / (len(mails) + 1))
        return RandomisedRows(self.ids[kept], values, mailed[kept], self.visited[kept], chance)


def held_out(customers: int) -> Mask:
    """Return which customers are held out, shape (n,): a half, by the seed alone."""
    return np.random.default_rng(SPLIT_SEED).permutation(customers) < customers // 2


def read(path: Path, *, judged: bool) -> Customers:
    """Return the held-out half, or the training half; the other one is cut off."""
    everybody = pl.read_parquet(path)
    mine = held_out(everybody.height) == judged
    half = everybody.filter(pl.Series(mine))
    ids = np.array([f"{number:05d}" for number in np.flatnonzero(mine)])
    return Customers(ids, known(half), half["segment"].to_numpy(), half["visit"].to_numpy() == 1)


def known(customers: pl.DataFrame) -> pl.DataFrame:
    """Return what was known before the e-mail, as numbers."""
    places = {"Rural": 0, "Surburban": 1, "Urban": 2}
    return customers.select(
        "recency",
        "history",
        "mens",
        "womens",
        "newbie",
        pl.col("zip_code").replace_strict(places).alias("place"),
        (pl.col("channel") != "Web").cast(pl.Int8).alias("by_phone"),
        (pl.col("channel") != "Phone").cast(pl.Int8).alias("by_web"),
    )


def learner_context(names: list[str]) -> LearnerContext:
    """Return settings as shipped; one thread, so that the numbers are the same on any machine."""
    return LearnerContext(tuple(names), UpliftSettings(), Machine(SEED, threads=1))


def select(path: Path = DATA) -> dict[str, Any]:
    """Compare the learners over folds of the training half, and check the design there."""
    customers = read(path, judged=False)
    context = learner_context(customers.known.columns)
    found = {contrast: _compared(customers.rows(contrast), context) for contrast in CONTRASTS}
    chosen = found[PRIMARY]["chosen"]
    return {"chosen": chosen, "contrasts": found, "checks": _checks(customers, chosen, context)}


def judge(path: Path = DATA, chosen: str = "") -> dict[str, Any]:
    """Fit on the training half, judge on the held-out half: all learners, response model, random order."""
    training, unseen = read(path, judged=False), read(path, judged=True)
    found: dict[str, Any] = {"contrasts": {}}
    for contrast in CONTRASTS:
        scores, rows = _scores(training, unseen, contrast)
        judged = judge_orders(scores, HeldOut.of(rows), RESPONSE, seed=SEED, resamples=RESAMPLES)
        found["contrasts"][contrast] = {
            "customers": len(rows),
            "effect": float(rows.outcome[rows.treated].mean() - rows.outcome[~rows.treated].mean()),
            "orders": {name: _told(one, scores[name], rows) for name, one in judged.items()},
        }
        if contrast == PRIMARY:
            save_figure(_figure(scores, rows, chosen), HERE / "qini.svg")
    found["rule"] = _rule(found["contrasts"][PRIMARY]["orders"][chosen])
    return found


def _scores(
    training: Customers, unseen: Customers, contrast: str
) -> tuple[dict[str, Floats], RandomisedRows]:
    learnt, rows, context = (
        training.rows(contrast),
        unseen.rows(contrast),
        learner_context(training.known.columns),
    )
    scores = {name: fit_learner(name)(learnt, context)(rows.values) for name in LEARNERS}
    scores[RESPONSE] = fit_response(learnt, context)(rows.values)
    scores[RANDOM] = np.random.default_rng(SEED).random(len(rows))
    return scores, rows


def _compared(rows: RandomisedRows, context: LearnerContext) -> dict[str, Any]:
    fold = folds_of(rows, context, FOLDS)
    scores = {name: unseen_scores(rows, context, fold, fit_learner(name)) for name in LEARNERS}
    scores[RESPONSE] = unseen_scores(rows, context, fold, fit_response)
    judged = judge_orders(scores, HeldOut.of(rows, fold), RESPONSE, seed=SEED, resamples=RESAMPLES)
    return {
        "customers": len(rows),
        "chosen": max(LEARNERS, key=lambda name: judged[name].qini.value),
        "orders": {name: _figures(one) for name, one in judged.items()},
    }


def _checks(customers: Customers, chosen: str, context: LearnerContext) -> dict[str, Any]:
    """Return what the design must stand: the size of the arms, treatments drawn anew, an outcome before."""
    rows, fit = customers.rows(PRIMARY), fit_learner(chosen)
    arms = overlap(rows)
    drawn = [placebo(rows, context, FOLDS, fit, seed=seed, resamples=100) for seed in range(1, PLACEBOS + 1)]
    earlier = customers.known.drop("recency")
    blind = Customers(customers.ids, earlier, customers.arm, customers.visited).rows(PRIMARY)
    bought_lately = customers.known["recency"].to_numpy() <= 3
    before = before_treatment(
        blind, bought_lately, learner_context(earlier.columns), FOLDS, fit, seed=SEED, resamples=RESAMPLES
    )
    return {
        "mailed": arms.treated,
        "mailed_expected": arms.expected,
        "mailed_p_value": arms.p_value,
        "placebo_qini": [_interval(one) for one in drawn],
        "bought_before_qini": _interval(before),
    }


def _told(judged: JudgedOrder, score: Floats, rows: RandomisedRows) -> dict[str, Any]:
    curve = qini_curve(score, rows.treated, rows.outcome)
    share, gain = curve["share"].to_numpy(), curve["gain"].to_numpy()
    reached = {
        f"visits_at_{depth:g}": float(np.interp(depth, share, gain) / len(rows) * 1000) for depth in DEPTHS
    }
    return {**_figures(judged), **reached}


def _figures(judged: JudgedOrder) -> dict[str, list[float]]:
    parts = {
        "qini": judged.qini,
        "auuc": judged.auuc,
        "qini_above_response": judged.qini_above,
        "auuc_above_response": judged.auuc_above,
    }
    return {name: _interval(one) for name, one in parts.items() if one.known}


def _interval(estimate: Estimate) -> list[float]:
    return [estimate.value, estimate.low, estimate.high]


def _rule(chosen: dict[str, Any]) -> dict[str, bool]:
    return {
        "beats_random": chosen["qini"][1] > 0,
        "beats_response_model": chosen["qini_above_response"][1] > 0,
    }


def _figure(scores: dict[str, Floats], rows: RandomisedRows, chosen: str) -> Figure:
    """Draw the Qini curves of the held-out half, per treated customer."""
    with mpl.rc_context(CHART_STYLE):
        figure = Figure(figsize=(6.4, 4.4), layout="constrained")
        axes = figure.add_subplot()
        for (name, score), colour in zip(scores.items(), CHART_COLOURS, strict=False):
            curve = qini_curve(score, rows.treated, rows.outcome)
            treated = int(rows.treated.sum())
            label = f"{_label(name)} (chosen)" if name == chosen else _label(name)
            at = np.linspace(0, 1, 101)
            height = np.interp(at, curve["share"].to_numpy(), curve["qini"].to_numpy() / treated)
            axes.plot(at, height, color=colour, label=label, linewidth=2.2 if name == chosen else 1.2)
        axes.plot(
            [0, 1], [0, height[-1]], color="black", linestyle="--", linewidth=0.8, label="straight line"
        )
        axes.set(
            xlabel="share of the customers, highest score first",
            ylabel="added visits per mailed customer",
            title="Held-out half: any e-mail against none",
        )
        axes.legend(frameon=False)
    return figure


def _label(name: str) -> str:
    return f"{name.upper()}-learner" if name in LEARNERS else name


def main(steps: list[str]) -> int:
    """Run the steps, keep what they found, tell whether the rule is met."""
    if not DATA.is_file():
        print(f"{DATA} is not there: see experiments/006-uplift-hillstrom/question.md", file=sys.stderr)
        return 2
    results = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    for step in steps or ["select", "judge"]:
        began = perf_counter()
        results[step] = select() if step == "select" else judge(chosen=results["select"]["chosen"])
        print(f"{step}: {perf_counter() - began:.0f} s")
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    _print(results)
    return 0 if results.get("judge", {}).get("rule", {}).get("beats_random", True) else 1


def _print(results: dict[str, Any]) -> None:
    for step, found in results.items():
        for contrast, part in found["contrasts"].items():
            print(f"\n{step}, {contrast}: {part['customers']} customers")
            for name, order in part["orders"].items():
                print(
                    "  "
                    + "; ".join(
                        [f"{_label(name):15}", *(f"{key} {_text(one)}" for key, one in order.items())]
                    )
                )
    print(f"\nchosen: {results['select']['chosen']}; rule: {results.get('judge', {}).get('rule')}")


def _text(found: float | list[float]) -> str:
    if isinstance(found, float):
        return f"{found:.2f}"
    return f"{found[0]:.4f} [{found[1]:.4f}, {found[2]:.4f}]"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
