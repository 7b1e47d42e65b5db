"""Fit and backtest: the one step of the flow that knows the recommender."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from training import card_tables, champion_check, contact_effects, uplift
from training.datasets import dataset_of
from training.fairness import METRIC, Fairness, groups_of, judge_fairness
from training.gates import AGAINST_CHAMPION, DEFAULT_GATES, Gate, warnings
from training.leaks import check_label_leaks
from training.recipe import Recipe, labelled_dates
from training.result import CardInputs, TrainingJob, TrainingResult, Value
from training.side_by_side import side_by_side
from training.summary import reliability_metrics
from training.unbiased_sample import open_sample
from vipreco.backtest import (
    SIMPLE_RULES,
    BacktestPlan,
    BacktestResult,
    ChangePlan,
    ChangeResult,
    RollingFold,
    Trial,
    backtest,
    backtest_changes,
    customer_trials,
    rolling_folds,
    rolling_trials,
)
from vipreco.contact_effect import EffectLearning
from vipreco.errors import UsageError
from vipreco.features import ComputedOnce, FeatureSet
from vipreco.memory import usable_bytes
from vipreco.policy import Policy
from vipreco.project import Project
from vipreco.propensity import Machine
from vipreco.recommender import WARNINGS, Panel, Recommender, TrainingData, importance_by_family
from vipreco.settings import PolicySettings
from vipreco.uplift_trial import UpliftTrial

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METHOD: Final = """\
Features are SQL over the bank's tables as they were known at the as-of date. Gradient-boosted trees
(LightGBM) give the probability that a customer acquires anything within the horizon and, given that,
which product; the product of both is calibrated per product on the newest months, predicted by earlier
ones, with shrinkage where acquisitions are few. The trees of the products start from a prior with one
weight a term for all products, so that those with few acquisitions are taught by the others:
collaborative filtering over everything that customers ever held, look-alikes by the customer's own
figures, what was held before and how lately, and the product's family. Where the bank's ladder of tiers is
known, two more models give the chance that a VIP customer leaves, falls below their tier or loses half of
their assets, and that a customer reaches a higher tier."""
SEASONS: Final = "Acquisitions are seasonal; months that are not among the as-of dates may behave otherwise."
ORDER_ONLY: Final = (
    "The tables hold acquirers only: the numbers order products for a customer, they are not rates."
)

First = TypeVar("First")
Second = TypeVar("Second")
Result = TypeVar("Result")
Part: TypeAlias = Callable[[TrainingJob, FeatureSet, Machine], Result]
"""A part of a training that needs nothing of the others."""

NOT_JUDGED: Final = "attrition and tier upgrades were not judged: the recipe asks for no folds"

# In the replay of lists no rule and no contact takes part, and nobody asks who leaves: that has its own.
ACQUISITIONS_ALONE: Final[dict[str, object]] = {
    "policy": PolicySettings(),
    "relationship_horizon_months": 0,
    "contact_effect": EffectLearning(folds=0),
}

NOT_PLOTTED: Final = ("segment-popularity", "item-item-cosine", "item-item-bm25", "implicit-als")
"""Baselines that only the table has: more lines than colours tell nothing apart."""
SUM_LIMITS: Final = (0.8, 1.25)
"""Limits of the sum of the chances in training/gates.toml, as the band of its plot."""
LEVERS, EFFECTS = "levers.", "contact_effects."
ROW_BYTES: Final = 8_000  # of 850 columns: a value each, and the copy and the bins of a booster
MAX_ACQUIRER_SHARE: Final = 0.1  # of the customers of a month; more than in any bank that was seen
EARLIER_AND_LATER: Final = 2
"""Labelled dates that a rolling fold needs: one to learn from, a later one to be judged at."""


def fit_and_backtest(job: TrainingJob) -> TrainingResult:
    """Judge the recipe on held-out folds, fit it on all as-of dates, save it to `job.artifact_folder`.

    Raises:
        UsageError: The history is too short for the folds.
        InputRejectedError: No acquisition is known in the label windows, or a column knows the label.
    """
    groups = groups_of(job)
    known_leaks = check_label_leaks(job)
    found, fitted = _judged_and_fitted(job)
    fitted = fitted.with_features(_features(job.project))  # what was computed before is not needed any more
    training_data = _training_data(job)
    contacts = uplift.try_uplift(job, fitted)
    metrics = {**found.summary(), **uplift.metrics(contacts.trial)}
    stored = {**_stored_metrics(metrics), WARNINGS: warnings_of(job.rules, metrics)}
    contacts.recommender.save(job.artifact_folder, stored, training_data.acquirers.views()[-1])
    checked = champion_check.check(job, contacts.recommender, found.against_champion)
    fair = judge_fairness(job, groups, found, training_data.acquirers.views()[-1])
    result = _result(job, found, contacts, metrics, checked, fair)
    return replace(result, remarks=(*known_leaks, *result.remarks)) if known_leaks else result


def warnings_of(gates: Sequence[Gate], metrics: Mapping[str, float]) -> list[str]:
    """Return the sentences that lists of the model have to carry.

    A recipe may set a default gate wider, so that a first look has a champion: its lists carry the
    warning all the same. What depends on another model, or on this machine, does not travel with it.
    """
    lasting = [
        gate for gate in gates if gate.metric not in AGAINST_CHAMPION | champion_check.MEASURED | {METRIC}
    ]
    named = {gate.metric for gate in lasting}
    return warnings([*lasting, *(gate for gate in DEFAULT_GATES if gate.metric in named)], metrics)


def judge(job: TrainingJob) -> BacktestResult:
    """Judge the recipe on held-out folds, baselines beside it; nothing is kept.

    Raises:
        UsageError: The history is too short for the folds.
        InputRejectedError: No acquisition is known in the label windows.
    """
    found, changes = _in_halves(job, _judge_lists, _judge_changes)
    return replace(found, changes=changes)


def _judged_and_fitted(job: TrainingJob) -> tuple[BacktestResult, Recommender]:
    """Return how the recipe does on held-out folds, and the recommender fitted on all as-of dates."""
    found, (changes, fitted) = _in_halves(job, _judge_lists, _changes_and_fit)
    return replace(found, changes=changes), fitted


def _in_halves(job: TrainingJob, first: Part[First], second: Part[Second]) -> tuple[First, Second]:
    """Return what two parts of a training give, side by side with half of the threads each.

    Two boosters of one thread take two thirds of the time that one of two threads takes for both. A bank in
    parts is spread over processes already, and one that fills the memory is fitted part by part.
    """
    features, machine = _shared_features(job), _machine(job.project)
    if job.parts is not None or machine.threads == 1 or not _has_room_for_two(job):
        return first(job, features, machine), second(job, features, machine)
    half = replace(machine, threads=machine.threads // 2)
    return side_by_side(partial(first, job, features, half), partial(second, job, features, half))


def _has_room_for_two(job: TrainingJob) -> bool:
    """Return whether the rows of two fits fit into the memory."""
    caps = job.recipe.recommender.propensity
    rows = job.history().customers * len(job.as_of_dates)
    drawn = min(rows, caps.max_rate_rows) + min(MAX_ACQUIRER_SHARE * rows, caps.max_acquirer_rows)
    return 2 * ROW_BYTES * drawn <= usable_bytes(job.project.settings.engine.memory)


def _judge_lists(job: TrainingJob, features: FeatureSet, machine: Machine) -> BacktestResult:
    """Judge the recipe on held-out folds, baselines and champion beside it; nothing is kept."""
    project, recipe = job.project, job.recipe
    section, error_rate = recipe.backtest, job.gates.error_rate
    plan = BacktestPlan(section.list_length, section.resamples, machine, error_rate, section.max_customers)
    training_data = _training_data(job)
    trials = _trials(training_data, recipe, project)
    settings = recipe.recommender.model_copy(update=ACQUISITIONS_ALONE)
    champion = champion_check.rival(job, training_data.acquirers.history, ACQUISITIONS_ALONE, features)
    return backtest(trials, features, settings, plan, job.say, champion)


def _changes_and_fit(
    job: TrainingJob, features: FeatureSet, machine: Machine
) -> tuple[ChangeResult, Recommender]:
    """Judge attrition and tier upgrades, then fit on all as-of dates."""
    changes = _judge_changes(job, features, machine)
    job.say("Fitting on all as-of dates")
    settings = job.recipe.recommender
    policy = Policy.read(settings.policy, job.project.root)
    return changes, Recommender.fit(_training_data(job), features, settings, machine, job.say, policy)


def _judge_changes(job: TrainingJob, features: FeatureSet, machine: Machine) -> ChangeResult:
    """Judge attrition and tier upgrades on the tables that hold everybody."""
    recipe, training_data = job.recipe, _training_data(job)
    if not recipe.backtest.relationship_folds:
        return ChangeResult(remark=NOT_JUDGED)
    plan = ChangePlan(recipe.backtest.relationship_folds, recipe.backtest.resamples, machine)
    return backtest_changes(
        training_data.rates or training_data.acquirers, features, recipe.recommender, plan, job.say
    )


def _features(project: Project) -> FeatureSet:
    return FeatureSet.read(project.features, project.settings.tiers)


def _shared_features(job: TrainingJob) -> FeatureSet:
    """Return the features of a project; folds that share their dates share what is computed at them.

    Folds of customers have other customers at the same date, so each computes its own.
    """
    features = _features(job.project)
    return ComputedOnce(features) if _rolling_folds(_training_data(job), job.recipe) else features


def _machine(project: Project) -> Machine:
    return Machine(project.seed, project.threads)


def _training_data(job: TrainingJob) -> TrainingData:
    return TrainingData(Panel(job.history(), job.as_of_dates, parts=job.parts), open_sample(job))


def _trials(training_data: TrainingData, recipe: Recipe, project: Project) -> Iterable[Trial]:
    found = _rolling_folds(training_data, recipe)
    if found:
        return rolling_trials(training_data.acquirers, found)
    return customer_trials(training_data, recipe.backtest.customer_folds, project.seed)


def _rolling_folds(training_data: TrainingData, recipe: Recipe) -> list[RollingFold]:
    """Return the dates that are judged in turn; none where no date has an earlier one to learn from."""
    folds, settings, history = recipe.backtest, recipe.recommender, training_data.acquirers.history
    unusable = history.unusable_dates(settings.horizon_months, settings.gap_months)
    labelled = set(labelled_dates(settings, history.snapshot_dates)) - set(unusable)
    if not folds.rolling_folds or len(labelled) < EARLIER_AND_LATER:
        return []
    try:
        return rolling_folds(
            history.snapshot_dates,
            settings.horizon_months,
            settings.gap_months,
            len(training_data.acquirers.as_of),
            folds.rolling_folds,
            unusable,
        )
    except UsageError:  # labelled dates, but none whose window had ended at another one
        return []


def _stored_metrics(metrics: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if value == value else None for name, value in metrics.items()}  # noqa: PLR0124


def _result(
    job: TrainingJob,
    found: BacktestResult,
    contacts: uplift.Attempt,
    metrics: Mapping[str, float],
    checked: champion_check.Checked,
    fair: Fairness,
) -> TrainingResult:
    recommender, trial = contacts.recommender, contacts.trial
    against = found.against_champion
    return TrainingResult(
        parameters={**_parameters(job, found, recommender), **uplift.parameters(job, trial)},
        metrics_by_fold=list(found.by_trial.values()),
        summary_metrics={
            **metrics,
            **checked.metrics,
            **fair.metrics,
            **reliability_metrics(found.reliability),
        },
        card=_card(job, found, recommender, trial, fair),
        figures=_figures(found, recommender, job.recipe.backtest.list_length),
        champion_metrics=None if against is None else against.champion,
        remarks=(contact_effects.remark(recommender.contact_effects), *contacts.remarks),
        details={**card_tables.furthest(found), **checked.details, **fair.details},
        judged=tuple(found.by_trial),
        datasets=(dataset_of(job.project, job.project.settings.project.name, job.snapshot_id),),
    )


def _parameters(job: TrainingJob, found: BacktestResult, recommender: Recommender) -> dict[str, Value]:
    """Return the recipe as flat settings, and the counts of what was fitted."""
    settings = job.recipe.model_dump(mode="json", exclude={"gate", "purpose", "name", "uplift"})
    return {
        **dict(_flat(settings)),
        "as_of_dates": _named(map(str, job.as_of_dates)),
        "seed": job.project.seed,
        "threads": job.project.threads,
        "products": len(found.product_ids),
        "columns": len(recommender.names),
        "rates_known": found.rates_known,
    }


def _flat(settings: Mapping[str, object], prefix: str = "") -> Iterable[tuple[str, Value]]:
    for name, value in settings.items():
        if isinstance(value, Mapping) and prefix.endswith((LEVERS, EFFECTS)):
            # by names of products, families and tiers, which are no names of parameters
            yield f"{prefix}{name}", _named(f"{key} x {weight}" for key, weight in value.items()) or "none"
        elif isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            yield f"{prefix}{name}", _named(map(str, value))
        elif isinstance(value, str | int | float | bool):
            yield f"{prefix}{name}", value


def _named(values: Iterable[str]) -> str:
    text = ", ".join(values)
    return text if len(text) <= 400 else f"{text[:400]} ..."


def _card(
    job: TrainingJob,
    found: BacktestResult,
    recommender: Recommender,
    contacts: UpliftTrial | None,
    fair: Fairness,
) -> CardInputs:
    thin = recommender.model.thin_evidence
    products = [name for name, is_thin in zip(found.product_ids, thin.tolist(), strict=True) if is_thin]
    limits = [SEASONS] + [ORDER_ONLY] * (not found.rates_known)
    limits += [f"{found.changes.remark.capitalize()}."] if found.changes.remark else []
    if products:
        limits.append(f"Thin evidence, close to the average of all products: {', '.join(products)}.")
    limits += [contact_effects.NOTE, *uplift.limits(contacts), *fair.limits]
    dates = ", ".join(map(str, job.as_of_dates))
    folds = f"{len(found.by_trial)} backtest fold{'s' if len(found.by_trial) > 1 else ''}"
    return CardInputs(
        data=f"As-of dates {dates}; {len(found.product_ids)} products; {folds}.",
        method=METHOD,
        limits=tuple(limits),
        results=card_tables.quality(found, job.recipe.backtest.list_length),
        tables=(
            *champion_check.card_table(found.against_champion),
            card_tables.calibration(found),
            *card_tables.changes(found),
            *card_tables.rules(recommender),
            *card_tables.importance(recommender),
            champion_check.sensitivity_table(job, recommender),
            contact_effects.card_table(recommender.contact_effects),
            *uplift.card_tables(contacts),
            *fair.card_tables(),
        ),
    )


def _figures(found: BacktestResult, recommender: Recommender, list_length: int) -> dict[str, Figure]:
    from vipreco.backtest import plots  # noqa: PLC0415 - matplotlib takes its time

    metric = f"map@{list_length}"
    shown = card_tables.large_slices(found.metrics)
    shown = shown[~shown["model"].isin(NOT_PLOTTED)]
    figures = {
        "quality": plots.quality_by_model(shown, metric),
        "reliability": plots.reliability_diagram({"vipreco": found.reliability}),
        "deciles": plots.decile_chart({"vipreco": found.deciles}),
        "calibration-by-product": plots.product_calibration(found.by_product),
    }
    if len(found.by_trial) > 1:
        lines = {metric: "vipreco", **{f"{rule}/{metric}": rule for rule in SIMPLE_RULES.values()}}
        figures["over-time"] = plots.metrics_over_time(found.by_trial, lines, metric, SUM_LIMITS)
    if shares := importance_by_family(recommender):
        figures["importance"] = plots.importance_bars(shares)
    return figures
