"""Models that are open: a release with the model of the one before, as on most nights, loads none."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

from vipreco.artifact import verify
from vipreco.recommender import Recommender

_OPEN: Final = WeakValueDictionary[str, Recommender]()
"""Models by their hash. Opening a release takes 320 ms of CPU; verifying and loading a model of 1.2 MB would
take 27 ms more, and 1.2 MiB of memory."""


def open_model(artifact: Path, artifact_hash: str) -> Recommender:
    """Return a model that was prepared with; it stays open for as long as anybody keeps it.

    Args:
        artifact: Folder of the model, read where no release has it open.
        artifact_hash: What the model is.

    Raises:
        IntegrityError: The folder does not hold it.
    """
    found = _OPEN.get(artifact_hash)
    if found is None:
        verify(artifact, artifact_hash)
        found = _OPEN[artifact_hash] = Recommender.load(artifact, threads=1, checked=True)
    return found
