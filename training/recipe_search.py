"""Tuning: a search among the settings of a recipe, judged on validation dates alone.

Trials never see the newest labelled date. When the search ends, that date is opened once, for the recipe as
it was and for the best trial, and the report says when.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from training.flow import RECIPES, prepare
from training.fold_judge import FoldJudge
from training.recipe import Recipe, find_recipe, read_recipe
from training.result import Say, TrainingJob, silent
from training.search_space import SearchSpace, Value, read_search_space, with_settings
from training.trial_runs import TrialRuns
from training.tuned_recipe import write_recipe
from training.tuning_report import TuningReport
from vipreco.backtest import (
    CHAMPION,
    OURS,
    BacktestPlan,
    BacktestResult,
    RollingFold,
    compare_with_champion,
    rolling_folds,
)
from vipreco.durable import canonical_json
from vipreco.errors import DependencyDownError, UsageError
from vipreco.project import Project
from vipreco.propensity import Machine
from vipreco.stats import Estimate

if TYPE_CHECKING:
    import optuna

SPACE: Final = Path("training") / "search_space.toml"
FOLDER: Final = Path("data") / "tuning"
OPENED, REPORTED, ASKED_AGAIN = "opened", "report", "asked again"
STARTUP_TRIALS: Final = 5  # are never broken off

Judge = Callable[[Recipe, RollingFold], BacktestResult]


@dataclass(frozen=True)
class Budget:
    """End of a search: whichever comes first.

    Args:
        minutes: Of this call; a trial that has begun is finished.
        trials: Trials in all, those of earlier calls included; None for no limit.
    """

    minutes: float
    trials: int | None = None


@dataclass
class Search:
    """A search over one set of tables.

    Args:
        job: Recipe and tables.
        space: Settings that may vary.
        validation: Dates on which trials are judged, oldest first.
        closed: The newest labelled date.
        judge: Fits a recipe on what a date may know, and judges it there.
        say: Takes sentences about the progress.
    """

    job: TrainingJob
    space: SearchSpace
    validation: Sequence[RollingFold]
    closed: RollingFold
    judge: Judge
    say: Say = silent

    @property
    def name(self) -> str:
        """Name of the study: another recipe, space or snapshot is another study."""
        content = {
            "recipe": self.job.recipe.model_dump(mode="json"),
            "space": self.space.model_dump(mode="json"),
            "snapshot": self.job.snapshot_id,
        }
        return f"{self.job.recipe.name}-{hashlib.sha256(canonical_json(content)).hexdigest()[:8]}"

    @property
    def metric(self) -> str:
        """Name of what is searched for in the summary of a backtest."""
        return f"{self.space.metric}@{self.job.recipe.backtest.list_length}"

    @cached_property
    def study(self) -> optuna.Study:
        """The study of before, or a new one."""
        import optuna  # noqa: PLC0415 - takes a second
        from optuna.storages.journal import JournalFileBackend  # noqa: PLC0415

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        folder = self.job.project.root / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        storage = optuna.storages.JournalStorage(JournalFileBackend(str(folder / f"{self.name}.journal")))
        study = optuna.create_study(
            study_name=self.name,
            storage=storage,
            direction="maximize",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS),
            load_if_exists=True,
        )
        study.sampler = optuna.samplers.TPESampler(seed=self.job.project.seed + len(study.trials))
        return study

    def run(self, budget: Budget) -> None:
        """Try settings until the budget is used up; trials of a call that was killed are tried again.

        Raises:
            UsageError: The newest date was opened already: further trials would no longer be blind to it.
        """
        if self.reported:
            raise UsageError(
                f"this search ended: the newest date was opened at {self.study.user_attrs[OPENED]} UTC",
                where=self.name,
                remedy="tune again after the next snapshot, or begin another search with another space",
                code="search-ended",
            )
        if OPENED in self.study.user_attrs:  # killed before its report: no trial may follow
            return
        self._try_again()
        if not self.study.trials:
            self.study.enqueue_trial(self.former, skip_if_exists=True)
        done = len(self._finished())
        left = None if budget.trials is None else max(budget.trials - done, 0)
        if left != 0:
            self.study.optimize(
                self._objective, n_trials=left, timeout=budget.minutes * 60, callbacks=[self._tell]
            )

    @property
    def reported(self) -> list[str]:
        """Lines of the report; none before the search has ended."""
        return list(self.study.user_attrs.get(REPORTED, []))

    @cached_property
    def former(self) -> dict[str, Value]:
        """The recipe's own values of the settings that are searched."""
        content = self.job.recipe.model_dump(mode="json")
        return {name: _value_of(content, name) for name in self.space.parameter}

    def open_newest(self) -> TuningReport:
        """Judge the recipe as it was and the best trial on the newest date, and note when.

        Raises:
            UsageError: No trial was finished.
        """
        if not self._finished():
            raise UsageError("no trial was finished", remedy="give it more --minutes", code="no-trial")
        moment = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
        moment = self.study.user_attrs.get(OPENED, moment)
        self.study.set_user_attr(OPENED, moment)
        best = dict(self.study.best_trial.params)
        self.say(f"opening {self.closed.test}, which no trial saw")
        former_result = self.judge(self.job.recipe, self.closed)
        unchanged = best == self.former
        tuned = with_settings(self.job.recipe, best)
        best_result = former_result if unchanged else self.judge(tuned, self.closed)
        metric, finished = self.metric, self._finished()
        report = TuningReport(
            trials=len(finished),
            pruned=len(self._of("PRUNED")),
            metric=metric,
            former=self._value_of_former(),
            best=float(self.study.best_value),
            settings=best,
            opened_date=self.closed.test,
            opened_at=moment,
            former_newest=former_result.summary()[metric],
            best_newest=best_result.summary()[metric],
            difference=self._difference(best_result, former_result),
            recipe=None if unchanged else self._written(best),
        )
        self.study.set_user_attr(REPORTED, report.lines)
        return report

    def _value_of_former(self) -> float:
        found = [trial.value for trial in self._finished() if trial.params == self.former]
        return next((value for value in found if value is not None), float("nan"))

    def _difference(self, best: BacktestResult, former: BacktestResult) -> Estimate:
        """Return the difference in MAP, paired by customer."""
        ours, theirs = best.judged, former.judged
        if ours is None or theirs is None:
            return Estimate(float("nan"), lacks="customers")
        scores = {OURS: ours.scores[OURS], CHAMPION: theirs.scores[OURS]}
        machine = Machine(self.job.project.seed, self.job.project.threads)
        section = self.job.recipe.backtest
        plan = BacktestPlan(section.list_length, section.resamples, machine)
        return compare_with_champion(replace(ours, scores=scores), OURS, {}, plan).map

    def _written(self, settings: dict[str, Value]) -> Path:
        project = self.job.project
        base = find_recipe(project.root / RECIPES, self.job.recipe.name)
        return write_recipe(base, project.root / RECIPES / f"{self.name}.toml", settings)

    def _objective(self, trial: optuna.Trial) -> float:
        import optuna  # noqa: PLC0415

        recipe, found = with_settings(self.job.recipe, self.space.suggest(trial)), list[float]()
        for step, fold in enumerate(reversed(self.validation)):  # the newest first: it says most
            found.append(self.judge(recipe, fold).summary()[self.metric])
            trial.report(float(np.mean(found)), step)
            if step + 1 < len(self.validation) and trial.should_prune():
                raise optuna.TrialPruned
        return float(np.mean(found))

    def _tell(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        value = "broken off" if trial.value is None else f"{self.metric} {trial.value:.4f}"
        best = f"best {study.best_value:.4f}, trial {study.best_trial.number}" if self._finished() else ""
        self.say(f"trial {trial.number}: {value}" + (f" ({best})" if best else ""))

    def _try_again(self) -> None:
        """Ask for the settings of trials that an ended process left unfinished, once each."""
        import optuna  # noqa: PLC0415

        for trial in self._of("RUNNING"):
            self.study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        known = set(self.study.user_attrs.get(ASKED_AGAIN, []))
        left = [trial for trial in self._of("FAIL") if trial.number not in known]
        self.study.set_user_attr(ASKED_AGAIN, sorted(known.union(trial.number for trial in left)))
        for trial in left:
            if set(trial.params) == set(self.space.parameter):
                self.study.enqueue_trial(trial.params)

    def _finished(self) -> list[optuna.trial.FrozenTrial]:
        return self._of("COMPLETE")

    def _of(self, state: str) -> list[optuna.trial.FrozenTrial]:
        return [trial for trial in self.study.trials if trial.state.name == state]


def tune(
    project: Project,
    recipe: str,
    budget: Budget,
    *,
    space: Path | None = None,
    say: Say = silent,
) -> TuningReport:
    """Search for better settings of a recipe, and open the newest date once at the end.

    A call that is killed, or whose time is up before a trial is finished, is gone on with by the next one.

    Args:
        project: The project, with imported tables.
        recipe: Path or name of the recipe to begin with.
        budget: When the search ends.
        space: File of the search space; the project's own by default.
        say: Takes sentences about the progress.

    Raises:
        UsageError: Recipe or search space are wrong, the history has less than two judgeable dates, or this
            search ended before.
        DependencyDownError: The tracking server is down; the result is kept, and written as a recipe.
    """
    found = read_recipe(find_recipe(project.root / RECIPES, recipe))
    searched = read_search_space(space or project.root / SPACE, found)
    job = prepare(project, found, say)
    search = search_of(job, searched, say)
    runs = TrialRuns(project, search.name)
    if search.reported:  # the server may have been down then
        runs.log(search.study, search.reported)
    search.run(budget)
    report = search.open_newest()
    try:
        runs.log(search.study, report.lines)
    except DependencyDownError:
        say("\n".join(report.lines))
        raise
    return report


def search_of(job: TrainingJob, space: SearchSpace, say: Say = silent) -> Search:
    """Return the search of a job, with the dates that it may see and the one that it may not.

    Raises:
        UsageError: The history has less than two judgeable dates.
    """
    settings, history = job.recipe.recommender, job.history()
    *earlier, closed = rolling_folds(
        history.snapshot_dates,
        settings.horizon_months,
        settings.gap_months,
        len(job.as_of_dates),
        10_000,
        history.unusable_dates(settings.horizon_months, settings.gap_months),
    )
    validation = [fold for fold in earlier if fold.window(fold.test)[1] <= closed.test][-space.folds :]
    if not validation:
        raise UsageError(
            "the history is too short to tune: no date can be judged before the newest one",
            where=str(job.project.tables),
            remedy="import earlier snapshots",
            code="short-history",
        )
    return Search(job, space, validation, closed, FoldJudge(job, history, space.customers), say)


def _value_of(content: dict[str, Any], name: str) -> Value:
    found: Any = content
    for part in name.split("."):
        found = found[part]
    value: Value = found
    return value
