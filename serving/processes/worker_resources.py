"""What one worker opens before it answers, and closes when it ends."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from serving.http.app_state import AppState, AuditSink
from serving.processes.audit_shipper import SHIPPER, AuditFiles
from serving.processes.release_watcher import OpenRelease, ReleaseWatcher, releases_of
from vipreco.project import Project
from vipreco.settings import ServingSettings
from vipreco.store import AuditSpool, Keys, Store

SETTINGS = "VIPRECO_SERVING"  # set by a parent that has checked the store
# Collections of the oldest generation walk everything that a worker holds: tens of milliseconds in which
# nobody is answered. What is there at the start stays, and new garbage is rarely old.
THRESHOLDS = (5_000, 10, 100_000)
SWITCH_SECONDS = 0.0005  # the thread that fills the store must not hold up answers for longer


def trim_memory() -> None:
    """Give memory that is not used any more back to the system; elsewhere than on Linux do nothing."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform.startswith("linux") else None
    if trim is not None:
        trim(0)


@contextmanager
def open_app_state(project: Project, opening: Callable[[AppState], OpenRelease]) -> Iterator[AppState]:
    """Give what the requests of one process use; close it afterwards.

    Args:
        project: Whose store and release.
        opening: Gives, for what requests use, how a prepared folder is opened.

    Raises:
        VipRecoError: The store, the keys or the release cannot be opened.
    """
    settings = _settings(project)
    with Store.open(project.store_url, checked=SETTINGS in os.environ) as store:
        spool = _notes(project.root / "data" / "serving" / "spool", store)
        state = AppState(project.root, settings, store, spool, Keys.open(project.root / "data" / "keys"))
        watch = ReleaseWatcher(state, releases_of(project.root), opening(state))
        watch.start()
        _answer_first()
        try:
            yield state
        finally:
            watch.stop()
            spool.close()


class _OwnThread(AuditSpool):
    """Notes carried by a thread of the worker, where BentoML alone runs it."""

    def flush(self) -> None:
        """Move what waits into the store now."""
        self.move()


def _notes(folder: Path, store: Store) -> AuditSink:
    if os.environ.get(SHIPPER):
        return AuditFiles(folder, store)
    spool = _OwnThread(folder, store)
    spool.start()
    return spool


def _settings(project: Project) -> ServingSettings:
    """Return the settings of this run: those of the command line went before those of the file."""
    given = os.environ.get(SETTINGS)
    return project.settings.serving if given is None else ServingSettings.model_validate_json(given)


def _answer_first() -> None:
    trim_memory()
    gc.freeze()  # without a search before it: it finds next to nothing, and takes a sixth of a second
    gc.set_threshold(*THRESHOLDS)
    gc.enable()
    sys.setswitchinterval(SWITCH_SECONDS)
