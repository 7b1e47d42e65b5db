"""Follows the pointer to the release in force and the changes of the store, and swaps to a new release."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from serving.http import logs, metrics
from serving.http.app_state import AppState, Release
from vipreco.errors import BusyError, DependencyDownError, IntegrityError, VipRecoError
from vipreco.online import Releases

STORE_SECONDS = 0.2
OpenRelease = Callable[[Path], Release]


class ReleaseWatcher:
    """Opens and warms a new release in a thread of the worker, then swaps to it.

    Args:
        state: Whose release is swapped.
        releases: Where the pointer is.
        opener: Opens a release folder, checked and warm.
    """

    def __init__(self, state: AppState, releases: Releases, opener: OpenRelease) -> None:
        self.state, self.releases, self.opener = state, releases, opener
        self.refused: str | None = None
        self._down = ""
        self._served: str | None = None
        self._open: dict[str, Release] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="release-watcher", daemon=True)

    def start(self) -> None:
        """Open the release in force, and begin to follow."""
        self.look()
        self._thread.start()

    def stop(self) -> None:
        """Stop following."""
        self._stop.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        next_look = 0.0
        while not self._stop.wait(STORE_SECONDS):
            self._refresh()
            if time.monotonic() >= next_look:
                self.check()
                self.look()
                next_look = time.monotonic() + self.state.settings.poll_seconds

    def _refresh(self) -> None:
        try:
            self.state.refresh()
            code = ""
        except VipRecoError as error:
            code = error.code
        if code != self._down:
            logs.write("store", code=code or "ok")
        self._down = code
        self.state.store_down = bool(code)
        metrics.STORE_DOWN.set(bool(code))

    def check(self) -> None:
        """Stop answering from a release whose files were changed, until another is put in force."""
        release = self.state.release
        if release is None:
            return
        try:
            release.check_files()
        except IntegrityError as error:
            self.state.release, self.refused = None, self._served
            self._open.clear()
            metrics.REFUSED.inc()
            logs.write("release-refused", release=self._served or "", code=error.code, **logs.place_of(error))
            self._served = None

    def look(self) -> None:
        """Open the release in force and swap to it, if it is another one; on a failure the old one stays."""
        name: str | None = None
        try:
            pointer = self.releases.pointer()
            name = None if pointer is None else pointer.current
            if name is None or name in {self._served, self.refused}:
                return
            self.state.release = self._opened(name)
            self._served, self.refused = name, None
            metrics.SWAPS.inc()
            logs.write("release", release=name, model=self.state.release.model_version)
        except Exception as error:  # whatever is wrong with a new one, the old one serves on
            if not isinstance(error, BusyError | DependencyDownError):  # what passes is tried again
                self.refused = name
            metrics.REFUSED.inc()
            code = error.code if isinstance(error, VipRecoError) else ""
            logs.write("release-refused", release=name or "", code=code, **logs.place_of(error))

    def _opened(self, name: str) -> Release:
        """Return a release, ready to answer; the one before stays open, so that a roll-back is quick."""
        found = self._open.get(name)
        if found is None:
            found = self.opener(self.releases.path_of(name))
        else:
            found.refresh()
        served = {known: one for known, one in self._open.items() if known == self._served}
        self._open = {**served, name: found}
        return found
