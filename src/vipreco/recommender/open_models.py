"""Models that are open in this process: who asks for one that somebody has gets the same object."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

from vipreco.artifact import verify
from vipreco.recommender.recommender import Recommender

_OPEN: Final = WeakValueDictionary[tuple[str, int], Recommender]()
"""Models by their hash and threads. Opening a release takes 320 ms of CPU; verifying and loading a model of
1.2 MB would take 27 ms more, and 1.2 MiB of memory."""


def open_model(artifact: Path, artifact_hash: str, threads: int = 1, *, checked: bool = True) -> Recommender:
    """Return a model; it stays open for as long as anybody keeps it.

    Args:
        artifact: Folder of the model, read where nobody has it open.
        artifact_hash: What the model is.
        threads: How many a score may take.
        checked: Whether it was loaded with all checks before.

    Raises:
        IntegrityError: The folder does not hold it.
    """
    found = _OPEN.get((artifact_hash, threads))
    if found is None:
        verify(artifact, artifact_hash)
        found = _OPEN[artifact_hash, threads] = Recommender.load(artifact, threads=threads, checked=checked)
    return found
