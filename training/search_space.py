"""A search space: settings of a recipe that tuning may vary, and by how much, in one checked TOML file."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, cast

from pydantic import Field, ValidationError, model_validator

from training.recipe import Recipe
from vipreco.errors import UsageError
from vipreco.project import parse_toml
from vipreco.settings import Section

if TYPE_CHECKING:
    from optuna import Trial

Value = str | int | float | bool


class Parameter(Section):
    """Values that one setting may take: some by name, or a range.

    Args:
        choices: All of them, where they are few.
        low: Least value of a range; whole numbers make a range of whole numbers.
        high: Largest value of a range.
        log: Whether a range is searched by ratios instead of differences.
    """

    choices: tuple[Value, ...] = ()
    low: int | float = 0
    high: int | float = 0
    log: bool = False

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        if bool(self.choices) == (self.low < self.high):
            raise ValueError("give either choices, or low and a larger high")
        if self.choices and (self.low, self.high) != (0, 0):
            raise ValueError("give either choices, or low and a larger high")
        return self

    def suggest(self, trial: Trial, name: str) -> Value:
        """Return the value that a trial shall try."""
        if self.choices:
            chosen: Any = trial.suggest_categorical(name, self.choices)
            return cast("Value", chosen)
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(name, self.low, self.high, log=self.log)
        return trial.suggest_float(name, self.low, self.high, log=self.log)


class SearchSpace(Section):
    """All of a search space file.

    Args:
        metric: Of the backtest's lists, at their length in the recipe; the largest is best.
        folds: Newest as-of dates that trials are judged at, before the one that stays closed.
        customers: Customers that trials learn from and are judged on, drawn once; 0 takes all.
        parameter: By the way to the setting in a recipe, such as `recommender.propensity.product.rounds`.
    """

    metric: Literal["map", "recall", "ndcg", "hit"] = "map"
    folds: Annotated[int, Field(ge=1, le=12)] = 2
    customers: Annotated[int, Field(ge=0)] = 0
    parameter: dict[str, Parameter] = Field(min_length=1)

    def suggest(self, trial: Trial) -> dict[str, Value]:
        """Return the settings that a trial shall try."""
        return {name: parameter.suggest(trial, name) for name, parameter in self.parameter.items()}


def read_search_space(path: Path, recipe: Recipe) -> SearchSpace:
    """Read and check a search space file, also against the recipe that it is for.

    Raises:
        UsageError: Unreadable, not TOML, an unknown key, or a setting that the recipe does not have.
    """
    if not path.is_file():
        raise UsageError(
            "there is no such search space",
            where=str(path),
            remedy="the one that comes with a project is training/search_space.toml",
            code="no-search-space",
        )
    space = parse_toml(path, SearchSpace)
    for name, parameter in space.parameter.items():
        ends = parameter.choices or (parameter.low, parameter.high)
        for value in ends:
            with_settings(recipe, {name: value}, str(path))
    return space


def with_settings(recipe: Recipe, settings: Mapping[str, Any], where: str = "search space") -> Recipe:
    """Return a recipe with other values of some settings.

    Raises:
        UsageError: A setting does not exist, or cannot have that value.
    """
    content = recipe.model_dump(mode="json")
    for name, value in settings.items():
        content = _replaced(content, name, value, where)
    try:
        return Recipe.model_validate_json(_json(content))
    except ValidationError as error:
        found = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise UsageError(
            "a value is none that the setting can have", where=where, code="search-space", examples=found
        ) from None


def _replaced(content: dict[str, Any], name: str, value: Any, where: str) -> dict[str, Any]:
    changed = deepcopy(content)
    *sections, last = name.split(".")
    inner = changed
    for section in sections:
        inner = inner.get(section, {})
    if not isinstance(inner, dict) or last not in inner:
        raise UsageError(
            f"a recipe has no setting {name}",
            where=where,
            remedy="name it by its sections, such as recommender.propensity.product.rounds",
            code="search-space",
        )
    inner[last] = value
    return changed


def _json(content: Mapping[str, Any]) -> bytes:
    from pydantic_core import to_json  # noqa: PLC0415 - for this alone

    return to_json(content)
