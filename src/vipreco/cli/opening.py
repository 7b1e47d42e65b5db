"""What several commands open before their work: the project's view at a date, and a model."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from vipreco.cli.progress import Narrator

if TYPE_CHECKING:
    from vipreco.history import AsOf
    from vipreco.project import Project
    from vipreco.recommender import Recommender

CHAMPION = "champion"
REGISTRY = "training.registry"


def open_view(project: Project, as_of: datetime.date | None) -> AsOf:
    """Return what was known at a date; without one, at the newest snapshot.

    Raises:
        UsageError: Nothing was imported, or the date is before the first snapshot or long after the last.
    """
    from vipreco.history import History
    from vipreco.recommender.lists import view_at

    return view_at(History.open(project.tables, project.threads), as_of)


def open_model(project: Project, reference: str | None, narrator: Narrator) -> Recommender:
    """Return the champion, or the version, alias or artifact folder that `reference` names.

    Raises:
        UsageError: No such version.
        IntegrityError: The artifact is not what was registered, or it uses what is prohibited now.
    """
    from vipreco.features import read_prohibited
    from vipreco.recommender import Recommender
    from vipreco.recommender.inspection import check_permitted

    narrator.say("loading the model")
    folder = Path(reference or "")
    if reference is None or not folder.is_dir():
        folder = project.import_rim(REGISTRY).resolve(project, reference or CHAMPION).folder
    recommender = Recommender.load(folder, project.threads)
    check_permitted(recommender.fitted, read_prohibited(project.features), str(folder))
    return recommender
