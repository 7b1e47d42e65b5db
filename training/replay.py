"""A backtest alone: what a recipe would have reached, without a new version."""

from __future__ import annotations

from training.flow import DEFAULT_RECIPE, RECIPES, prepare
from training.model_fit import judge
from training.recipe import find_recipe, read_recipe
from training.result import Say, silent
from vipreco.backtest import BacktestResult
from vipreco.project import Project


def replay(project: Project, recipe: str = DEFAULT_RECIPE, *, say: Say = silent) -> BacktestResult:
    """Judge a recipe on held-out folds of the imported tables, baselines beside it.

    Raises:
        UsageError: The recipe is wrong, nothing was imported, or labels are incomplete.
    """
    path = find_recipe(project.root / RECIPES, recipe)
    return judge(prepare(project, read_recipe(path), say))
