"""Fit and backtest: the one step of the flow that knows the recommender."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from training import champion_check, contact_effects, uplift
from training.datasets import dataset_of
from training.gates import AGAINST_CHAMPION, DEFAULT_GATES, Gate, warnings
from training.leaks import check_label_leaks
from training.recipe import Recipe, labelled_dates
from training.result import CardInputs, CardTable, TrainingJob, TrainingResult, Value
from training.unbiased_sample import open_sample
from vipreco.backtest import (
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
    to_markdown,
)
from vipreco.contact_effect import EffectLearning
from vipreco.errors import UsageError
from vipreco.features import FeatureSet
from vipreco.policy import Policy
from vipreco.project import Project
from vipreco.propensity import ATTRITION_KINDS, Machine
from vipreco.recommender import WARNINGS, Panel, Recommender, TrainingData
from vipreco.settings import PolicySettings
from vipreco.uplift_trial import UpliftTrial

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

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

NOT_JUDGED: Final = "attrition and tier upgrades were not judged: the recipe asks for no folds"

# In the replay of lists no rule and no contact takes part, and nobody asks who leaves: that has its own.
ACQUISITIONS_ALONE: Final[dict[str, object]] = {
    "policy": PolicySettings(),
    "relationship_horizon_months": 0,
    "contact_effect": EffectLearning(folds=0),
}

SHOWN: Final = 5
MIN_CUSTOMERS: Final = 30
NOT_PLOTTED: Final = ("segment-popularity", "item-item-cosine", "item-item-bm25", "implicit-als")
"""Baselines that only the table has: more lines than colours tell nothing apart."""
LEVERS, EFFECTS = "levers.", "contact_effects."
EARLIER_AND_LATER: Final = 2
"""Labelled dates that a rolling fold needs: one to learn from, a later one to be judged at."""


def fit_and_backtest(job: TrainingJob) -> TrainingResult:
    """Judge the recipe on held-out folds, fit it on all as-of dates, save it to `job.artifact_folder`.

    Raises:
        UsageError: The history is too short for the folds.
        InputRejectedError: No acquisition is known in the label windows, or a column knows the label.
    """
    known_leaks = check_label_leaks(job)
    found, training_data = judge(job), _training_data(job)
    job.say("Fitting on all as-of dates")
    features, machine = _features(job.project), _machine(job.project)
    settings = job.recipe.recommender
    policy = Policy.read(settings.policy, job.project.root)
    fitted = Recommender.fit(training_data, features, settings, machine, job.say, policy)
    contacts = uplift.try_uplift(job, fitted)
    metrics = {**found.summary(), **uplift.metrics(contacts.trial)}
    stored = {**_stored_metrics(metrics), WARNINGS: warnings_of(job.rules, metrics)}
    contacts.recommender.save(job.artifact_folder, stored, training_data.acquirers.views()[-1])
    checked = champion_check.check(job, contacts.recommender, found.against_champion)
    result = _result(job, found, contacts, metrics, checked)
    return replace(result, remarks=(*known_leaks, *result.remarks)) if known_leaks else result


def warnings_of(gates: Sequence[Gate], metrics: Mapping[str, float]) -> list[str]:
    """Return the sentences that lists of the model have to carry.

    A recipe may set a default gate wider, so that a first look has a champion: its lists carry the
    warning all the same. What depends on another model, or on this machine, does not travel with it.
    """
    lasting = [gate for gate in gates if gate.metric not in AGAINST_CHAMPION | champion_check.MEASURED]
    named = {gate.metric for gate in lasting}
    return warnings([*lasting, *(gate for gate in DEFAULT_GATES if gate.metric in named)], metrics)


def judge(job: TrainingJob) -> BacktestResult:
    """Judge the recipe on held-out folds, baselines beside it; nothing is kept.

    Raises:
        UsageError: The history is too short for the folds.
        InputRejectedError: No acquisition is known in the label windows.
    """
    project, recipe = job.project, job.recipe
    plan = BacktestPlan(
        recipe.backtest.list_length, recipe.backtest.resamples, _machine(project), job.gates.error_rate
    )
    training_data = _training_data(job)
    trials = _trials(training_data, recipe, project)
    settings, features = recipe.recommender.model_copy(update=ACQUISITIONS_ALONE), _features(project)
    champion = champion_check.rival(job, training_data.acquirers.history, ACQUISITIONS_ALONE)
    found = backtest(trials, features, settings, plan, job.say, champion)
    return replace(found, changes=_judge_changes(job, features))


def _judge_changes(job: TrainingJob, features: FeatureSet) -> ChangeResult:
    """Judge attrition and tier upgrades on the tables that hold everybody."""
    recipe, training_data = job.recipe, _training_data(job)
    if not recipe.backtest.relationship_folds:
        return ChangeResult(remark=NOT_JUDGED)
    plan = ChangePlan(recipe.backtest.relationship_folds, recipe.backtest.resamples, _machine(job.project))
    return backtest_changes(
        training_data.rates or training_data.acquirers, features, recipe.recommender, plan, job.say
    )


def _features(project: Project) -> FeatureSet:
    return FeatureSet.read(project.features, project.settings.tiers)


def _machine(project: Project) -> Machine:
    return Machine(project.seed, project.threads)


def _training_data(job: TrainingJob) -> TrainingData:
    return TrainingData(Panel(job.history(), job.as_of_dates), open_sample(job))


def _trials(training_data: TrainingData, recipe: Recipe, project: Project) -> Iterable[Trial]:
    found = _rolling_folds(training_data, recipe)
    if found:
        return rolling_trials(training_data.acquirers.history, found)
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
) -> TrainingResult:
    recommender, trial = contacts.recommender, contacts.trial
    against = found.against_champion
    return TrainingResult(
        parameters={**_parameters(job, found, recommender), **uplift.parameters(job, trial)},
        metrics_by_fold=list(found.by_trial.values()),
        summary_metrics={**metrics, **checked.metrics},
        card=_card(job, found, recommender, trial),
        figures=_figures(found, job.recipe.backtest.list_length),
        champion_metrics=None if against is None else against.champion,
        remarks=(contact_effects.remark(recommender.contact_effects), *contacts.remarks),
        details={**_furthest(found), **checked.details},
        datasets=(dataset_of(job.project, job.project.settings.project.name, job.snapshot_id),),
    )


def _furthest(found: BacktestResult) -> dict[str, str]:
    """Return, by metric, the products and tiers whose calibration is surely off, the furthest first."""
    told: dict[str, str] = {}
    for kind, parts in found.parts.items():
        off = sorted((part for part in parts if part.surely_off > 1), key=lambda part: -part.surely_off)
        if off:
            shown = (f"{one.part}: sum {one.ratio}, slope {one.slope}" for one in off[:SHOWN])
            told[f"calibration-by-{kind}/surely-off"] = "; ".join(shown)
    return told


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
    job: TrainingJob, found: BacktestResult, recommender: Recommender, contacts: UpliftTrial | None
) -> CardInputs:
    thin = recommender.model.thin_evidence
    products = [name for name, is_thin in zip(found.product_ids, thin.tolist(), strict=True) if is_thin]
    limits = [SEASONS] + [ORDER_ONLY] * (not found.rates_known)
    limits += [f"{found.changes.remark.capitalize()}."] if found.changes.remark else []
    if products:
        limits.append(f"Thin evidence, close to the average of all products: {', '.join(products)}.")
    limits += [contact_effects.NOTE, *uplift.limits(contacts)]
    dates = ", ".join(map(str, job.as_of_dates))
    return CardInputs(
        data=f"As-of dates {dates}; {len(found.product_ids)} products; {len(found.by_trial)} backtest folds.",
        method=METHOD,
        limits=tuple(limits),
        results=_quality(found, job.recipe.backtest.list_length),
        tables=(
            _calibration_table(found),
            *champion_check.card_table(found.against_champion),
            *_changes_table(found),
            *_rules_table(recommender),
            contact_effects.card_table(recommender.contact_effects),
            *uplift.card_tables(contacts),
        ),
    )


def _quality(found: BacktestResult, list_length: int) -> str:
    """Show the ranking of every slice, a column a model: no number without its baselines."""
    shown = to_markdown(_large_slices(found.metrics), [f"map@{list_length}"])
    return f"### Ranking, 95 % intervals over customers\n{shown}"


def _large_slices(metrics: DataFrame) -> DataFrame:
    """Leave out slices of a few customers, whose figures are luck."""
    return metrics[(metrics["customers"] >= MIN_CUSTOMERS) | (metrics["slice"] == "all")]


def _calibration_table(found: BacktestResult) -> CardTable:
    names = sorted(found.calibration["all"])
    rows = tuple((name, *(part.get(name) for part in found.calibration.values())) for name in names)
    return CardTable("Calibration", ("metric", *found.calibration), rows)


def _changes_table(found: BacktestResult) -> tuple[CardTable, ...]:
    """Show attrition and tier upgrades with their baselines and, where there is one, the 95 % interval."""
    frame = found.changes.metrics
    if frame.empty:
        return ()
    columns = ("slice", "metric", "model", "value", "low", "high", "customers")
    rows = frame.sort_values(["slice", "metric", "model"], kind="stable")[list(columns)]
    shown = rows.astype(object).where(rows.notna(), None)
    return (CardTable("Attrition and tier upgrades", columns, tuple(map(tuple, shown.to_numpy().tolist()))),)


def _rules_table(recommender: Recommender) -> tuple[CardTable, ...]:
    """Show for each kind of attrition whether model or simple rule is used, and why."""
    model = recommender.relationship
    if model is None or not model.has_kinds:
        return ()
    columns = ("kind", "used", "cases", "auc of the model", "auc of the rule", "difference", "share lost")
    rows = []
    for kind in ATTRITION_KINDS:
        own, rule = model.models[kind], model.rule(kind)
        judged = own.judged
        figures: tuple[float | str | None, ...] = (None, None, None)
        if judged is not None:
            figures = (judged.auc, judged.rule_auc, f"[{judged.low:.3f}, {judged.high:.3f}]")
        used = f"simple rule: {rule}" if rule else "model"
        rows.append((kind, used, own.positives, *figures, model.lost_shares[kind]))
    return (CardTable("Attrition by kind: model or simple rule, on unseen customers", columns, tuple(rows)),)


def _figures(found: BacktestResult, list_length: int) -> dict[str, Figure]:
    from vipreco.backtest import plots  # noqa: PLC0415 - matplotlib takes its time

    shown = _large_slices(found.metrics)
    shown = shown[~shown["model"].isin(NOT_PLOTTED)]
    return {
        "quality": plots.quality_by_model(shown, f"map@{list_length}"),
        "reliability": plots.reliability_diagram({"propensity": found.reliability}),
        "deciles": plots.decile_chart({"vipreco": found.deciles}),
        "calibration-by-product": plots.product_calibration(found.by_product),
    }
