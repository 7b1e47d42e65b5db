"""The trial of uplift on finished campaigns: gather, check the design, judge unseen customers, then fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from vipreco.columns import CUSTOMER_ID, PRODUCT_ID, PROPENSITY
from vipreco.history import History
from vipreco.propensity import Machine
from vipreco.recommender import Recommender
from vipreco.stats import Estimate, HeldOut, JudgedOrder, judge_orders, weighted_difference
from vipreco.uplift import LEARNERS, LearnerContext, PairColumns, RandomisedRows, UpliftModel
from vipreco.uplift_trial.campaigns import FinishedCampaign
from vipreco.uplift_trial.checks import Overlap, overlap, placebo
from vipreco.uplift_trial.selection import fit_chosen, fit_learner, fit_response, folds_of, unseen_scores
from vipreco.uplift_trial.settings import TrialSettings

Floats = NDArray[np.float64]
CHOSEN: Final = "chosen"
RESPONSE: Final = "response"
UNSOUND: Final = 0.001
PLACEBOS: Final = 5


@dataclass(frozen=True)
class Material:
    """Randomised rows of finished campaigns.

    Args:
        rows: Customers in all campaigns, under the columns of a fit.
        campaign: Number of the campaign of each row, shape (n,).
        propensity: That the campaign counted with, shape (n,).
        earlier: Whether anything was acquired in as long a time before, shape (n,).
        reach_rate: Of the channels, shape (n,).
        columns: What the learners see.
        keys: Of the campaigns, the oldest first.
    """

    rows: RandomisedRows
    campaign: NDArray[np.int64]
    propensity: Floats
    earlier: NDArray[np.bool_]
    reach_rate: Floats
    columns: PairColumns
    keys: tuple[str, ...]

    @property
    def cases(self) -> tuple[int, int]:
        """Acquisitions of the treated and of the control group."""
        rows = self.rows
        return int(rows.outcome[rows.treated].sum()), int(rows.outcome[~rows.treated].sum())


@dataclass(frozen=True)
class UpliftTrial:
    """Outcome of the trial.

    Args:
        keys: The campaigns.
        customers: Rows of the design.
        cases: Acquisitions of the treated and of the control group.
        effect: What an offer added on average.
        orders: Judged on unseen customers: `chosen` (each fold by a learner chosen on the others), the
            learners, a response model, and the propensity of the campaigns, which is the reference.
        newest: The newest campaign, ordered by what was chosen and fitted on the earlier ones; None with a
            single campaign.
        placebos: Qini coefficients of the best learner where treatments were drawn anew and did nothing.
        arms: Whether the arms are as large as the design says.
        earlier: Difference of the arms in acquisitions before the campaigns.
        model: Recommender on all rows; None unless the rule is met.
        refusals: Why it is not used; empty when it is.
    """

    keys: tuple[str, ...]
    customers: int
    cases: tuple[int, int]
    effect: Estimate
    orders: Mapping[str, JudgedOrder]
    newest: JudgedOrder | None
    placebos: tuple[float, ...]
    arms: Overlap
    earlier: Estimate
    model: UpliftModel | None = None
    refusals: tuple[str, ...] = ()


def gather(
    campaigns: list[FinishedCampaign], history: History, recommender: Recommender, leave_out: tuple[str, ...]
) -> Material:
    """Return the customers of finished campaigns, as they were known when each campaign was run.

    Args:
        campaigns: The oldest first, at least one.
        history: The bank's.
        fitted: Gives features, columns and products.
        leave_out: Patterns of features that the learners do not see.
    """
    columns = PairColumns.chosen(recommender.names, recommender.product_ids, leave_out)
    parts = [_part(campaign, history, recommender, columns) for campaign in campaigns]
    pairs = pl.concat(frame for frame, _ in parts)
    number = np.repeat(np.arange(len(parts)), [frame.height for frame, _ in parts])
    rows = RandomisedRows(
        pairs[CUSTOMER_ID].to_numpy().astype(object),
        np.concatenate([values for _, values in parts]),
        pairs["treated"].to_numpy(),
        pairs["acquired"].to_numpy(),
        pairs["chance"].to_numpy(),
    )
    floats = {name: pairs[name].to_numpy().astype(np.float64) for name in (PROPENSITY, "reach_rate")}
    keys = tuple(campaign.key for campaign in campaigns)
    earlier = pairs["earlier"].to_numpy()
    return Material(rows, number, floats[PROPENSITY], earlier, floats["reach_rate"], columns, keys)


def _part(
    campaign: FinishedCampaign, history: History, recommender: Recommender, columns: PairColumns
) -> tuple[pl.DataFrame, NDArray[np.float32]]:
    """Return the pairs of a campaign and what the learners see of them."""
    pairs = campaign.with_outcomes(history).filter(pl.col(PRODUCT_ID).is_in(list(recommender.product_ids)))
    asked = pa.array(pairs[CUSTOMER_ID].to_list(), pa.string())
    view = history.as_of(campaign.as_of).of(asked)
    computed = recommender.features.compute(view, recommender.product_ids).encoded(recommender.vocabulary)
    there = pl.DataFrame({CUSTOMER_ID: pl.Series(computed.customer_ids.tolist(), dtype=pl.String)})
    pairs = pairs.join(there, on=CUSTOMER_ID, how="semi", maintain_order="left")
    places = {product: place for place, product in enumerate(recommender.product_ids)}
    product = pairs[PRODUCT_ID].replace_strict(places, return_dtype=pl.Int64).to_numpy()
    chance, values, start = pairs[PROPENSITY].to_numpy(), [], 0
    for matrix in computed.chunks(recommender.settings.chunk_customers):
        rows = slice(start, start + len(matrix.values))
        values.append(columns.values(recommender.columns_of(matrix), product[rows], chance[rows]))
        start = rows.stop
    empty = np.empty((0, len(columns.names)), np.float32)
    return pairs, np.concatenate([empty, *values])


def run_trial(material: Material, settings: TrialSettings, machine: Machine) -> UpliftTrial:
    """Judge learners on unseen customers, and fit the best one where it may be used.

    Raises:
        InputRejectedError: An arm has no acquisition among the customers that are learnt from.
    """
    rows, context = material.rows, LearnerContext(material.columns.names, settings.learners, machine)
    fold = folds_of(rows, context, settings.folds)
    scores = _orders(material, context, fold, settings.folds)
    held_out = HeldOut.of(rows, fold + settings.folds * material.campaign)
    judged = judge_orders(scores, held_out, PROPENSITY, seed=machine.seed, resamples=settings.resamples)
    best = max(LEARNERS, key=lambda name: judged[name].qini.value)
    found = UpliftTrial(
        keys=material.keys,
        customers=len(rows),
        cases=material.cases,
        effect=difference(rows, rows.outcome),
        orders=judged,
        newest=_newest(material, context, settings),
        placebos=_placebos(rows, context, settings.folds, best),
        arms=overlap(rows),
        earlier=difference(rows, material.earlier),
    )
    refusals = tuple(refusals_of(found))
    return replace(found, refusals=refusals, model=None if refusals else _fit(material, context, best))


def difference(rows: RandomisedRows, happened: NDArray[np.bool_]) -> Estimate:
    """Return how much more often something happened to the treated, with a 95 % interval."""
    return weighted_difference(happened, rows.treated, rows.weights)


def _orders(
    material: Material, context: LearnerContext, fold: NDArray[np.int64], folds: int
) -> dict[str, Floats]:
    """Return the score of each row by each order; none of them has seen the row's customer."""
    fits = {
        CHOSEN: fit_chosen(folds),
        **{name: fit_learner(name) for name in LEARNERS},
        RESPONSE: fit_response,
    }
    scores = {name: unseen_scores(material.rows, context, fold, fit) for name, fit in fits.items()}
    return {**scores, PROPENSITY: material.propensity}


def _newest(material: Material, context: LearnerContext, settings: TrialSettings) -> JudgedOrder | None:
    """Judge the newest campaign by what was chosen and fitted on the earlier ones."""
    last = material.campaign == material.campaign.max(initial=0)
    learnt, unseen = material.rows.take(~last), material.rows.take(last)
    if not learnt.enough or not unseen.enough:
        return None
    score = fit_chosen(settings.folds)(learnt, context)(unseen.values)
    scores = {CHOSEN: score, PROPENSITY: material.propensity[last]}
    seed, resamples = context.machine.seed, settings.resamples
    return judge_orders(scores, HeldOut.of(unseen), PROPENSITY, seed=seed, resamples=resamples)[CHOSEN]


def refusals_of(found: UpliftTrial) -> Iterator[str]:
    """Say in words why the learner may not be used; nothing when it may."""
    chosen = found.orders[CHOSEN]
    if not found.arms.sound:
        expected = f"{found.arms.treated} of {found.arms.expected:.0f} expected"
        yield f"the arms are not as large as the design says ({expected})"
    if found.earlier.p_value() < UNSOUND:
        yield f"the arms differed before the campaigns ({found.earlier})"
    if not chosen.beats_random:
        yield f"its order is not better than chance on unseen customers ({chosen.qini})"
    if not chosen.beats_reference:
        yield f"its order is not better than propensity on unseen customers ({chosen.qini_above})"
    if chosen.qini.value <= max(found.placebos):
        yield f"it finds as much where nothing was done (Qini {max(found.placebos):.4f})"
    if found.newest is not None and not found.newest.qini_above.value >= 0:
        yield f"it is worse than propensity in the newest campaign ({found.newest.qini_above})"


def _placebos(rows: RandomisedRows, context: LearnerContext, folds: int, name: str) -> tuple[float, ...]:
    seeds = range(context.machine.seed + 1, context.machine.seed + 1 + PLACEBOS)
    return tuple(
        placebo(rows, context, folds, fit_learner(name), seed=seed, resamples=0).value for seed in seeds
    )


def _fit(material: Material, context: LearnerContext, name: str) -> UpliftModel:
    rows = material.rows
    learner = LEARNERS[name].fit(rows, context)
    reach = float(material.reach_rate[rows.treated].mean())
    average = difference(rows, rows.outcome).value
    return UpliftModel(name, learner, material.columns, average, reach)
