"""Labelled as-of dates of a history, of all customers, of some, or of all in parts over an engine."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol, Self, runtime_checkable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vipreco.engines import PartedBank, Spec, TaskContext, shared_folder
from vipreco.history import History, Labels, View
from vipreco.scratch_folder import scratch_folder

WORK_JOB: Final = "vipreco.recommender.panels:work_on_part"
Arrays = Mapping[str, NDArray[Any]]
Window = tuple[date, date]
Reopenings = Mapping[str, Sequence[Sequence[str]]]
"""Mass reopenings of the bank around each window, which is named `after/until`."""


class Work(Protocol):
    """Finds arrays about the customers of a panel; customers of other parts have no influence on them."""

    def arrays(self, panel: Panel) -> Arrays:
        """Return what is found."""

    def record(self) -> dict[str, Any]:
        """Return the work as JSON values."""

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return the work of a `record`."""


@runtime_checkable
class WorkWithFiles(Protocol):
    """A work that is more than JSON values, such as one by a fitted model."""

    def arrays(self, panel: Panel) -> Arrays:
        """Return what is found."""

    def record(self) -> dict[str, Any]:
        """Return what of it are JSON values."""

    def save(self, folder: Path) -> None:
        """Write the rest."""

    @classmethod
    def opened(cls, record: Mapping[str, Any], folder: Path, threads: int) -> Self:
        """Return the work of a `record` and of the files that `save` wrote."""


@dataclass(frozen=True)
class PanelParts(PartedBank):
    """The customers of a panel in parts.

    Args:
        until: Nothing that became known after this date is seen; None: everything is.
    """

    until: date | None = None


@dataclass(frozen=True)
class Panel:
    """Labelled as-of dates of a history.

    Args:
        history: Where features and labels come from.
        as_of: As-of dates, oldest first.
        customers: Only these customers; None for all.
        parts: All customers of the history in parts; None: this process has them all.
        reopenings: Of the bank, where the history is a part of it; None: they are found in the history.
    """

    history: History
    as_of: tuple[date, ...]
    customers: pa.Array | None = None
    parts: PanelParts | None = None
    reopenings: Reopenings | None = None

    def views(self) -> list[View]:
        """Return the view of each as-of date."""
        return [self.view(day) for day in self.as_of]

    def view(self, day: date) -> View:
        """Return the view of a date."""
        view = self.history.as_of(day)
        return view if self.customers is None else view.of(self.customers)

    def acquisitions(self, window: Window) -> Labels:
        """Return the acquisitions in a window."""
        if window not in self._acquisitions:
            reopened = None if self.reopenings is None else self.reopenings.get(_text_of(window), ())
            known = None if reopened is None else [(one[0], one[1], one[2]) for one in reopened]
            self._acquisitions[window] = self.history.acquisitions(*window, reopenings=known)
        return self._acquisitions[window]

    @cached_property
    def _acquisitions(self) -> dict[Window, Labels]:
        """Acquisitions by window: they are counted before rows are gathered."""
        return {}

    @contextmanager
    def found(self, work: Work | WorkWithFiles, windows: Iterable[Window] = ()) -> Iterator[list[Arrays]]:
        """Give what a work finds about the customers of each part; they are one where there are no parts.

        Args:
            work: The work.
            windows: Those in which the work looks at acquisitions.
        """
        if self.parts is None or self.customers is not None:
            yield [work.arrays(self)]
            return
        reopenings = {_text_of(window): self.history.mass_reopenings(*window) for window in windows}
        with _files_of(work, self.parts) as files:
            spec = self._spec(self.parts, work, reopenings) | {"files": files}
            with self.parts.outputs(WORK_JOB, spec) as folders:
                yield [_loaded(folder) for folder in folders]

    def _spec(self, parts: PanelParts, work: Work | WorkWithFiles, reopenings: Reopenings) -> dict[str, Any]:
        return {
            "until": parts.until and parts.until.isoformat(),
            "as_of": [day.isoformat() for day in self.as_of],
            "reopenings": reopenings,
            "kind": f"{type(work).__module__}:{type(work).__qualname__}",
            "work": work.record(),
        }


def work_on_part(spec: Spec, part: int, folder: Path, context: TaskContext) -> Mapping[str, int]:
    """Write what a work finds about the customers of one part: a `Job`."""
    until = spec["until"] and date.fromisoformat(spec["until"])
    history = context.history(spec["tables"], part)
    days = tuple(map(date.fromisoformat, spec["as_of"]))
    panel = Panel(history.known_until(until), days, reopenings=spec["reopenings"])
    found = _work_of(spec, context).arrays(panel)
    for key, values in found.items():
        np.save(folder / f"{key}.npy", values, allow_pickle=False)
    return {"rows": sum(len(values) for key, values in found.items() if key.endswith(".ids"))}


@contextmanager
def _files_of(work: Work | WorkWithFiles, parts: PanelParts) -> Iterator[dict[str, Any] | None]:
    """Put the files of a work where its tasks find them; give None for one that has none."""
    if not isinstance(work, WorkWithFiles):
        yield None
        return
    with scratch_folder("work") as folder:
        work.save(folder)
        with parts.shared(folder) as files:
            yield files


def _work_of(spec: Spec, context: TaskContext) -> Work | WorkWithFiles:
    module, _, name = spec["kind"].partition(":")
    kind = getattr(importlib.import_module(module), name)
    found: Work | WorkWithFiles
    if spec["files"] is None:
        found = kind.from_record(spec["work"])
    else:
        folder = shared_folder(spec["files"], context.scratch)
        found = kind.opened(spec["work"], folder, context.limits.threads)
    return found


def _text_of(window: Window) -> str:
    return "/".join(day.isoformat() for day in window)


def _loaded(folder: Path) -> Arrays:
    return {path.stem: np.load(path, mmap_mode="r") for path in sorted(folder.glob("*.npy"))}
