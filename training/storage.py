"""Local files of training: artifacts, results that wait for the server, remembered aliases."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from training.result import Record
from training.verdict import VERDICT_FILE, make_verdict
from vipreco.artifact import publish, temporary_beside, verify
from vipreco.durable import write_bytes, write_json
from vipreco.errors import BusyError, IntegrityError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RECORD_FILE: Final = "record.json"
CARD_FILE: Final = "model_card.md"
REPORT_FILE: Final = "report.html"
PLOTS_FOLDER: Final = "plots"
SHORT_HASH: Final = 16


@dataclass(frozen=True)
class Pending:
    """A finished training that the tracking server does not have yet."""

    folder: Path
    record: Record


class Storage:
    """The project's folder of artifacts.

    `<hash>/` is an artifact and never changes; `pending/<training>/` is a record with its model card and
    plots; `aliases.json` is what the registry last said, for the time when it does not answer.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pending = folder / "pending"
        self._aliases = folder / "aliases.json"

    def artifact(self, artifact_hash: str) -> Path:
        """Return the folder of an artifact, present or not."""
        return self.folder / artifact_hash[:SHORT_HASH]

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give an empty folder on the same disk that goes away afterwards, at the next use after a kill."""
        with temporary_beside(self.folder / "training") as folder:
            yield folder

    def adopt(self, folder: Path, expected_hash: str | None = None) -> Path:
        """Move a verified artifact from `folder` to its place; one that is there already is kept.

        Raises:
            IntegrityError: It is not what its manifest says, or not the expected one.
        """
        target = self.artifact(verify(folder, expected_hash).artifact_hash)
        if not target.exists():
            publish(folder, target)
        return target

    def keep(
        self,
        record: Record,
        card: str,
        figures: Mapping[str, Figure],
        report: Callable[[Mapping[str, bytes]], str],
    ) -> Pending:
        """Save a training for the server, whole or not at all.

        Args:
            record: What was trained.
            card: Its model card.
            figures: Plots by name.
            report: Takes the plots as PNG, by name, and returns the validation report.
        """
        folder = self._pending / record.training_id
        with temporary_beside(folder) as temporary:
            write_json(temporary / RECORD_FILE, record.model_dump(mode="json"))
            write_bytes(temporary / VERDICT_FILE, make_verdict(record).content())
            (temporary / CARD_FILE).write_text(card, encoding="utf-8")
            plots = _save_figures(temporary / PLOTS_FOLDER, figures)
            (temporary / REPORT_FILE).write_text(report(plots), encoding="utf-8")
            publish(temporary, folder)
        return Pending(folder, record)

    def pending(self) -> list[Pending]:
        """Return what waits for the server, oldest first.

        Raises:
            IntegrityError: A record that cannot be read.
        """
        folders = (path.parent for path in self._pending.glob(f"[!.]*/{RECORD_FILE}"))
        found = [Pending(folder, _read_record(folder / RECORD_FILE)) for folder in folders]
        return sorted(found, key=lambda item: (item.record.ended_ms, item.record.training_id))

    def forget(self, pending: Pending) -> None:
        """Remove what the server has now."""
        shutil.rmtree(pending.folder)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Let one process at a time talk to the server about this project; a killed one holds nothing.

        Raises:
            BusyError: Another process is at it.
        """
        what = "another vipreco process is writing to the model registry"
        with self._alone(".lock", what, "wait for it to end and run the command again; results are kept"):
            yield

    @contextmanager
    def retraining(self) -> Iterator[None]:
        """Let one retraining at a time run; a killed one holds nothing.

        Raises:
            BusyError: Another one runs.
        """
        what = "another `vipreco retrain` runs in this project"
        with self._alone(".retrain.lock", what, "wait for it to end; nothing was done"):
            yield

    @contextmanager
    def _alone(self, name: str, what: str, remedy: str) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / name).open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise BusyError(what, where=str(self.folder), remedy=remedy, code="busy") from error
            yield

    def remember(self, aliases: Mapping[str, Any]) -> None:
        """Keep what the registry says: alias to version and artifact hash."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self._aliases, dict(aliases))

    def remembered(self) -> dict[str, Any]:
        """Return what the registry last said; empty when it never did."""
        try:
            content = json.loads(self._aliases.read_bytes())
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}


def _save_figures(folder: Path, figures: Mapping[str, Figure]) -> dict[str, bytes]:
    from vipreco.backtest import save_figure  # noqa: PLC0415 - matplotlib takes its time

    folder.mkdir()
    for name, figure in sorted(figures.items()):
        save_figure(figure, folder / f"{name}.png")
    return {path.stem: path.read_bytes() for path in folder.glob("*.png")}


def _read_record(path: Path) -> Record:
    try:
        return Record.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        what, remedy = "is no readable record", "move its folder away and train again"
        raise IntegrityError(what, where=str(path), remedy=remedy, code="record") from error
