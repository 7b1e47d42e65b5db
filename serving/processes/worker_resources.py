"""Opens the store, the keys and the release of a worker before it answers, and closes them at its end."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from serving.http.app_state import AppState, releases_of
from serving.processes.audit_shipper import AuditFiles, spool_of
from serving.processes.environment import run_settings, store_is_checked
from serving.processes.release_watcher import OpenRelease, ReleaseWatcher
from vipreco.project import Project
from vipreco.store import Keys, Store

# Collections of the oldest generation walk everything that a worker holds: tens of milliseconds in which
# nobody is answered. What is there at the start stays, and new garbage is rarely old.
THRESHOLDS = (5_000, 10, 100_000)
SWITCH_SECONDS = 0.0005  # the thread that follows releases must not hold up answers for longer


def trim_memory() -> None:
    """Give memory that is not used any more back to the system; elsewhere than on Linux do nothing."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform.startswith("linux") else None
    if trim is not None:
        trim(0)


@contextmanager
def open_app_state(project: Project, opener: Callable[[AppState], OpenRelease]) -> Iterator[AppState]:
    """Give what the requests of one process use; close it afterwards.

    Args:
        project: Whose store and release.
        opener: Returns, for an application state, how a release folder is opened.

    Raises:
        VipRecoError: The store, the keys or the release cannot be opened.
    """
    settings = run_settings(project)
    with Store.open(project.store_url, checked=store_is_checked()) as store:
        spool = AuditFiles(spool_of(project), store)
        state = AppState(project.root, settings, store, spool, Keys.open(project.root / "data" / "keys"))
        watcher = ReleaseWatcher(state, releases_of(project.root), opener(state))
        watcher.start()
        _settle_memory()
        try:
            yield state
        finally:
            watcher.stop()
            spool.close()


def _settle_memory() -> None:
    trim_memory()
    gc.freeze()  # without a search before it: it finds next to nothing, and takes a sixth of a second
    gc.set_threshold(*THRESHOLDS)
    gc.enable()
    sys.setswitchinterval(SWITCH_SECONDS)
