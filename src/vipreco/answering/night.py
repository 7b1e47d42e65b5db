"""The night's work of a bank: try the model, decide for everybody, put it in force, fill the books."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vipreco.answering.books import fill_books
from vipreco.answering.preparing import Preparation, prepare
from vipreco.answering.publication import Publications
from vipreco.artifact import try_in_child
from vipreco.errors import VipRecoError
from vipreco.recommender.fitting import Step, silent
from vipreco.store import Store

LOADER = "vipreco.recommender.storage:golden_scorer"


@contextmanager
def refusing(publications: Publications, model: str) -> Iterator[None]:
    """Note that a model was refused, whatever is wrong with it; what is in force stays so."""
    try:
        yield
    except VipRecoError as error:
        publications.refuse(model, error)
        raise


def try_model(artifact: Path) -> None:
    """Load a model and score with it in a process of its own, which alone dies of a bad one.

    Raises:
        IntegrityError: It is not what its manifest says, kills a process, or scores differently here.
    """
    try_in_child(artifact, LOADER).require(artifact)


def publish(publications: Publications, store: Store, preparation: Preparation, step: Step = silent) -> Path:
    """Prepare all answers, put them in force, and fill the books; returns the prepared folder.

    Raises:
        BusyError: Another process prepares, or holds the store.
        IntegrityError: The artifact is not what its manifest says.
        ResourcesError: The disk is full; what was in force stays so.
    """
    folder = prepare(publications, preparation, step)
    step("books")
    fill_books(store, folder)
    return folder
