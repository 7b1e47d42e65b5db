"""Inputs of several commands: the project's view at a date, a model, the rules."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from vipreco.cli.progress import Narrator
from vipreco.errors import UsageError

if TYPE_CHECKING:
    from vipreco.history import History, View
    from vipreco.online import Releases
    from vipreco.policy import Policy
    from vipreco.project import Project
    from vipreco.recommender import ModelInForce, ModelSplit, Recommender
    from vipreco.settings import Settings
    from vipreco.tables import Tables

NO_CURRENCY = 'no currency in [project] of vipreco.toml: lists and sheets count amounts in "units"'
NO_KEYS = (
    "no key is trusted under [signatures] of vipreco.toml: tables, models and releases are accepted from "
    "whoever can write them (`vipreco keys create`)"
)
NOT_REQUIRED = "signatures are not required under [signatures] of vipreco.toml: what has none is accepted"
CHAMPION = "champion"
REGISTRY = "training.registry"
STORAGE = "training.storage"
RECIPE = "training.recipe"


def tell_currency(project: Project) -> None:
    """Say on standard error that amounts have no currency, where the project names none."""
    if not project.settings.project.currency:
        typer.echo(NO_CURRENCY, err=True)


def tell_signatures(project: Project) -> None:
    """Say on standard error that what is not signed is accepted, where the project accepts it."""
    signatures = project.settings.signatures
    if not signatures.required:
        typer.echo(NOT_REQUIRED if signatures.trusted else NO_KEYS, err=True)


def open_tables(project: Project) -> Tables:
    """Return the tables of a project, checked against what was imported.

    Raises:
        UsageError: Nothing was imported.
        IntegrityError: A file was changed, or the tables are not signed as they have to be.
    """
    from vipreco.tables import Tables

    return Tables.open(project.tables, signatures=project.signatures)


def open_history(project: Project) -> History:
    """Return the history of a project's tables, checked as `open_tables`."""
    from vipreco.history import History

    memory = project.settings.engine.memory
    return History.open(project.tables, project.threads, signatures=project.signatures, memory=memory)


def releases_of(project: Project) -> Releases:
    """Return the releases of a project."""
    from vipreco.online import Releases

    return Releases(project.root / "data" / "serving", project.signatures)


def open_view(project: Project, as_of: datetime.date | None) -> View:
    """Return the view at a date; default: at the newest snapshot.

    Raises:
        UsageError: Nothing was imported, or the date is before the first snapshot or long after the last.
    """
    from vipreco.lists import view_at

    return view_at(open_history(project), as_of)


def model_folder(project: Project, reference: str | None) -> Path:
    """Return the artifact of the champion, or of the version, alias or folder that `reference` names.

    Raises:
        UsageError: No such version.
        IntegrityError: The artifact is not what was registered, or not signed as it has to be.
    """
    from vipreco.artifact import verify_signed

    folder = Path(reference or "")
    if reference is not None and folder.is_dir():
        verify_signed(folder, project.signatures)
        return folder
    found: Path = project.import_rim(REGISTRY).resolve(project, reference or CHAMPION).folder
    return found


def folder_of_hash(project: Project, artifact_hash: str) -> Path:
    """Return the artifact with a hash, or the beginning of one: from this machine, or from the registry.

    Raises:
        UsageError: It is in neither.
    """
    folder: Path = project.import_rim(STORAGE).Storage(project.artifacts).artifact(artifact_hash)
    if folder.is_dir():
        return model_folder(project, str(folder))
    versions = project.import_rim(REGISTRY).list_versions(project)
    version = next((item.version for item in versions if item.artifact_hash.startswith(artifact_hash)), None)
    if version is None:
        raise UsageError(
            f"the model {artifact_hash[:16]} is neither in this project nor in the registry",
            where=str(project.artifacts),
            remedy="restore its artifact folder from a backup, and name it with --model",
            code="model-gone",
        )
    return model_folder(project, version)


def open_model(
    project: Project, reference: str | None, narrator: Narrator, history: History | None = None
) -> Recommender:
    """Return the champion, or the version, alias or artifact folder that `reference` names.

    Rules and weights of `vipreco.toml` take the place of those that the model was trained with.

    Args:
        project: The project.
        reference: Version, alias or folder; None is the champion.
        narrator: Told what is being done.
        history: Of the project, where the command has opened it; the model's age is measured by it.

    Raises:
        UsageError: No such version, or a rule file is wrong.
        IntegrityError: The artifact is not what was registered, is not signed as it has to be, uses what is
            prohibited now, or is too old.
    """
    return model_in_force(project, reference, narrator, history)[0]


def model_in_force(
    project: Project, reference: str | None, narrator: Narrator, history: History | None = None
) -> tuple[Recommender, ModelInForce]:
    """Return a model as `open_model` does, and its name for other processes.

    Raises:
        UsageError: As `open_model`.
        IntegrityError: As `open_model`.
    """
    from vipreco.artifact import verify
    from vipreco.features import read_prohibited
    from vipreco.policy import Policy
    from vipreco.recommender import ModelInForce, check_permitted, open_model

    narrator.say("loading the model")
    folder = model_folder(project, reference)
    registered = reference is None or not Path(reference).is_dir()  # then it was loaded before
    artifact_hash = verify(folder).artifact_hash
    recommender = open_model(folder, artifact_hash, project.threads, checked=registered)
    check_permitted(recommender.names, read_prohibited(project.features), str(folder))
    if odd := _age(project, recommender, folder, history or open_history(project)):
        typer.echo(f"warning: {odd}", err=True)
    for warning in recommender.warnings:
        typer.echo(f"warning: this model does not pass a gate: {warning}", err=True)
    rules = project.settings.policy
    policy = recommender.policy if rules is None else Policy.read(rules, project.root)
    recommender = recommender.with_policy(policy.in_currency(project.settings.project.currency))
    recommender = arbitrated(recommender, project.settings)
    return recommender, ModelInForce.of(recommender, folder, artifact_hash)


def split_of(project: Project, day: datetime.date | None = None) -> ModelSplit | None:
    """Return which customers a challenger decides for, by `[split]` of vipreco.toml.

    Args:
        project: The project.
        day: Of a list; None: whatever the day.

    Returns:
        None without a split, and for a list of before its first day.
    """
    from vipreco.recommender import ModelSplit

    settings = project.settings
    if settings.split is None or (day is not None and day < settings.split.start_date):
        return None
    return ModelSplit.of(settings.split, settings.campaign.control_salt, project.seed)


def open_challenger(
    project: Project, narrator: Narrator, day: datetime.date, *, hindsight: bool
) -> tuple[ModelSplit, Recommender, ModelInForce] | None:
    """Open the model that decides for a part of the customers on a day, and say so on standard error.

    Returns:
        The split, the model and its name for other processes; None where the champion decides for all.

    Raises:
        UsageError: No such version, or it knows what came after the day.
        IntegrityError: As `open_model`.
    """
    split = split_of(project, day)
    if split is None:
        return None
    recommender, in_force = model_in_force(project, split.challenger, narrator)
    tell_hindsight(recommender, day, allowed=hindsight)
    typer.echo(
        f"split {split.key}: version {split.challenger} decides for {split.share:.0%} of the customers, "
        "the champion for the others (`vipreco split report`)",
        err=True,
    )
    return split, recommender, in_force


def tell_hindsight(recommender: Recommender, day: datetime.date, *, allowed: bool) -> None:
    """Say on standard error that a model knows what came after the date of a list.

    Raises:
        UsageError: It does, and hindsight is not allowed.
    """
    if told := recommender.check_hindsight(day, allowed=allowed):
        typer.echo(f"warning: {told}", err=True)


def arbitrated(recommender: Recommender, settings: Settings) -> Recommender:
    """Return the recommender with the weights and the effects of contacts that `vipreco.toml` has."""
    weights = settings.arbitration or recommender.settings.arbitration
    if settings.contact_effects is not None:
        weights = weights.model_copy(update={"contact_effects": settings.contact_effects})
    return recommender if weights is recommender.settings.arbitration else recommender.arbitrated(weights)


def _age(project: Project, recommender: Recommender, folder: Path, history: History) -> str:
    """Return what is odd about the age of a model beside the tables, or nothing."""
    dates = history.snapshot_dates
    days = project.settings.serving.max_model_age_days
    limit = None if days is None else datetime.timedelta(days=days)
    return recommender.check_age(dates[-1], limit, str(folder)) if dates else ""


def open_policy(project: Project, recipe: str) -> Policy:
    """Return the rules of `vipreco.toml`; without any there, those of a recipe.

    Raises:
        UsageError: There is no such recipe, or a rule file is wrong.
    """
    from vipreco.policy import Policy

    if project.settings.policy is not None:
        return Policy.read(project.settings.policy, project.root)
    rim = project.import_rim(RECIPE)
    path = rim.find_recipe(project.root / "training" / "recipes", recipe)
    return Policy.read(rim.read_recipe(path).recommender.policy, project.root)
