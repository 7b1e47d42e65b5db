"""The nightly run of a bank: try the model, decide for everybody, release it, fill the books, clean up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vipreco.artifact import try_in_child
from vipreco.errors import VipRecoError
from vipreco.online.books import fill_books
from vipreco.online.nightly_build import FillParts, NightlyBuild, build_release
from vipreco.online.release import Releases
from vipreco.recommender import Step, silent
from vipreco.signatures import Signatures
from vipreco.store import Keys, PrunedRows, RetentionCutoffs, Store
from vipreco.tables import save_head

LOADER = "vipreco.recommender.storage:golden_scorer"


@dataclass(frozen=True)
class SignedHeads:
    """Ends of the audit and of the tables, to be signed and saved.

    Args:
        folder: Where they are saved.
        keys: Sign the heads of the audit.
        tables: The tables folder.
        signatures: Sign the heads of the tables.
    """

    folder: Path
    keys: Keys
    tables: Path
    signatures: Signatures


@dataclass(frozen=True)
class Housekeeping:
    """Housekeeping after a release is in force.

    Args:
        actor: Who does it, for the audit.
        before: Moments before which decisions and keys of requests go.
        heads: Signed heads to save; None saves none.
    """

    actor: str
    before: RetentionCutoffs
    heads: SignedHeads | None


@contextmanager
def noting_refusal(releases: Releases, model: str) -> Iterator[None]:
    """Note that a model was refused, whatever is wrong with it; the release in force stays."""
    try:
        yield
    except VipRecoError as error:
        releases.refuse(model, error)
        raise


def try_model(artifact: Path) -> None:
    """Load a model and score with it in a process of its own, which alone dies of a bad one.

    Raises:
        IntegrityError: It is not what its manifest says, kills a process, or scores differently here.
    """
    try_in_child(artifact, LOADER).require(artifact)


def publish(
    releases: Releases,
    store: Store,
    build: NightlyBuild,
    step: Step = silent,
    fill: FillParts | None = None,
) -> Path:
    """Build a release, put it in force, and fill the books; returns its folder.

    Args:
        releases: Those of the project.
        store: Gets the books.
        build: The inputs.
        step: Is told what is done.
        fill: As of `build_release`.

    Raises:
        BusyError: Another process prepares, or holds the store.
        IntegrityError: The artifact is not what its manifest says.
        ResourcesError: The disk is full; what was in force stays so.
    """
    folder = build_release(releases, build, step, fill)
    step("books")
    fill_books(store, folder)
    return folder


def clean_up(store: Store, chores: Housekeeping, step: Step = silent) -> PrunedRows:
    """Delete rows past their retention, and sign the ends of audit and tables even where that fails.

    Raises:
        BusyError: Another process holds the store.
        IntegrityError: Audit or tables are not what was written; no head of them is signed.
        ResourcesError: The folder of the heads cannot be written.
    """
    try:
        step("retention")
        return store.prune(chores.actor, chores.before)
    finally:
        heads = chores.heads
        if heads is not None:
            step("signed heads")
            store.audit.anchor(heads.folder, heads.keys, full=False)
            save_head(heads.tables, heads.folder, heads.signatures)
