"""A recipe: everything that one training is, in one checked TOML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import Field

from training.gates import Gate
from vipreco.assurance import LeakSettings
from vipreco.backtest import MAX_CUSTOMERS
from vipreco.errors import UsageError
from vipreco.history import label_windows
from vipreco.project import parse_toml
from vipreco.recommender import RecommenderSettings
from vipreco.settings import Section
from vipreco.uplift_trial import TrialSettings

NOTHING: Final[Mapping[date, str]] = MappingProxyType({})
Count = Annotated[int, Field(ge=1)]


class DataSection(Section):
    """Data that is learnt from.

    Args:
        as_of_dates: Dates to learn from; empty means the newest `newest` dates with complete labels.
        newest: How many dates are taken when none are named.
        rates_tables: Folder (from the project's root) of imported tables with an unbiased sample of
            customers, where the project's own tables hold acquirers only. They teach how often anything
            is acquired; empty where the project's tables hold everybody.
    """

    as_of_dates: tuple[date, ...] = ()
    newest: Annotated[int, Field(ge=1, le=60)] = 1
    rates_tables: str = ""


class BacktestSection(Section):
    """Folds of the backtest and length of the lists.

    Args:
        customer_folds: Groups of customers; each is scored by a model that saw only the others.
        rolling_folds: Newest as-of dates that are judged one after the other, each by a model that learnt
            from earlier dates; 0 judges by customer folds, and so does a history with one labelled date.
        list_length: k of MAP@k, recall@k, nDCG@k, hit@k.
        resamples: Bootstrap resamples of customers for the intervals.
        relationship_folds: Newest as-of dates at which attrition and tier upgrades are judged, with a history
            that is too short so many groups of customers; 0 = they are not judged.
        max_customers: Customers whose lists are judged at a date; of more, a lottery of their ids draws
            so many.
    """

    customer_folds: Annotated[int, Field(ge=2, le=20)] = 5
    rolling_folds: Annotated[int, Field(ge=0, le=24)] = 0
    list_length: Count = 7
    resamples: Annotated[int, Field(ge=0, le=10_000)] = 200
    relationship_folds: Annotated[int, Field(ge=0, le=24)] = 3
    max_customers: Annotated[int, Field(ge=1_000)] = MAX_CUSTOMERS


class GovernanceSection(Section):
    """Rule about who may promote: with `four_eyes`, nobody promotes a model that they trained."""

    four_eyes: bool = False


class Recipe(Section):
    """All of a recipe file; without `[uplift]`, finished campaigns are not looked at.

    A recipe without gates is judged by those of `training/gates.toml`, one with gates by these alone.
    """

    name: str
    purpose: str = ""
    data: DataSection = DataSection()
    recommender: RecommenderSettings = RecommenderSettings()
    backtest: BacktestSection = BacktestSection()
    governance: GovernanceSection = GovernanceSection()
    leaks: LeakSettings = LeakSettings()
    uplift: TrialSettings | None = None
    gate: tuple[Gate, ...] = ()

    def accepting(self, columns: Sequence[str]) -> Recipe:
        """Return the recipe that also accepts these columns, although they seem to know the label."""
        leaks = self.leaks.model_copy(update={"accept": (*self.leaks.accept, *columns)})
        return self.model_copy(update={"leaks": leaks}) if columns else self


def read_recipe(path: Path) -> Recipe:
    """Read and check a recipe file.

    Raises:
        UsageError: Unreadable, not TOML, an unknown key, a wrong type; all findings are listed.
    """
    return parse_toml(path, Recipe)


def find_recipe(folder: Path, reference: str) -> Path:
    """Return the recipe file that `reference` means: a path, or the name of one in `folder`.

    Raises:
        UsageError: There is none; the message lists those that exist.
    """
    for path in (Path(reference), folder / reference, folder / f"{reference}.toml"):
        if path.is_file():
            return path
    known = ", ".join(sorted(path.stem for path in folder.glob("*.toml"))) or "none"
    remedy = f"recipes in {folder}: {known}"
    raise UsageError(f"there is no recipe {reference}", where=str(folder), remedy=remedy, code="no-recipe")


def training_dates(
    recipe: Recipe, snapshot_dates: Sequence[date], unusable: Mapping[date, str] = NOTHING
) -> list[date]:
    """Return the as-of dates to learn from, ascending; each has a snapshot at the end of its label window.

    Args:
        recipe: Names dates, or asks for the newest.
        snapshot_dates: The bank's snapshots.
        unusable: Dates that nothing can be learnt from, with the reason.

    Raises:
        UsageError: A named date is no snapshot or has no complete labels yet, or no date has.
    """
    data = recipe.data
    labelled = [day for day in labelled_dates(recipe.recommender, snapshot_dates) if day not in unusable]
    wrong = sorted(set(data.as_of_dates) - set(labelled))
    if wrong or not labelled:
        raise UsageError(
            "labels are incomplete for the as-of dates of the recipe",
            where="data.as_of_dates",
            remedy=f"import a later snapshot, or choose among: {_listed(labelled)}",
            code="no-labels",
            examples=[
                f"{day}: {unusable.get(day, 'no snapshot then, or none at the end of its window')}"
                for day in wrong or unusable
            ],
        )
    return sorted(data.as_of_dates) or labelled[-data.newest :]


def labelled_dates(settings: RecommenderSettings, snapshot_dates: Sequence[date]) -> list[date]:
    """Return the snapshot dates, ascending, at the end of whose label window there is a snapshot."""
    return list(label_windows(snapshot_dates, settings.horizon_months, settings.gap_months))


def _listed(days: Sequence[date]) -> str:
    return ", ".join(day.isoformat() for day in days[-12:]) or "none (at least two snapshots are needed)"
