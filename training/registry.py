"""Registered versions: list them, find the artifact of one, judge one, move aliases."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final, TypeVar

from training.alias_lookup import look_up
from training.deadline import Progress, within
from training.gates import AGAINST_CHAMPION, BESIDE_CHAMPION, Finding, Gate, Metrics, judge
from training.server import PATIENCE_SECONDS, connect, down, responsive
from training.storage import Storage
from training.tracker import (
    ARTIFACT_FOLDER,
    BYTES_PER_SECOND,
    COMPARED_TAG,
    GATES_TAG,
    JUDGED_RUN_TAG,
    VERDICT_HASH_TAG,
)
from vipreco.artifact import verify_signed
from vipreco.errors import DependencyDownError, UsageError
from vipreco.failpoints import reach
from vipreco.project import Project

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
PREVIOUS: Final = "previous"
RETIRED_TAG: Final = "retired"
T = TypeVar("T")


@dataclass(frozen=True)
class Version:
    """A registered version as the registry knows it.

    `judged_run_id` is the run with the newest verdict, where an equal artifact was trained again; `retired`
    is the date since which nobody may put it in force.
    """

    version: str
    aliases: tuple[str, ...]
    run_id: str
    created_at: datetime
    artifact_hash: str
    snapshot_id: str
    feature_fingerprint: str
    as_of_date: str
    recipe: str
    trained_by: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    judged_run_id: str = ""
    retired: str = ""


@dataclass(frozen=True)
class Resolved:
    """A verified artifact on this machine, and what it is called.

    `remembered` is True when the registry did not answer and its last word was taken.
    """

    version: str
    folder: Path
    artifact_hash: str
    remembered: bool = False


class Registry:
    """The registered model of a project, over an open client."""

    def __init__(self, client: MlflowClient, project: Project, progress: Progress) -> None:
        self._client = client
        self._progress = progress
        self._storage = Storage(project.artifacts)
        self._signatures = project.signatures
        self._name = project.settings.project.model

    def versions(self) -> list[Version]:
        """Return all versions, newest first, without their metrics."""
        aliases = self.aliases()
        self._progress.step()
        found = [_version(item, aliases) for item in self._pages()]
        return sorted(found, key=lambda item: int(item.version), reverse=True)

    def aliases(self) -> dict[str, str]:
        """Return alias to version; empty when the model does not exist yet."""
        known = self._client.search_registered_models(f"name = '{self._name}'")
        self._progress.step()
        return {alias: str(version) for model in known for alias, version in model.aliases.items()}

    def version(self, reference: str) -> Version:
        """Return one version by its alias or number, with its metrics.

        Raises:
            UsageError: There is none; the message says what there is.
        """
        versions = self.versions()
        for found in versions:
            if reference.removeprefix("v") == found.version or reference in found.aliases:
                return self.measured(found)
        known = "; ".join(" ".join([found.version, *found.aliases]) for found in versions)
        remedy = f"registered: {known}" if known else "train one with `vipreco train`"
        what = f"there is no version {reference} of {self._name}"
        raise UsageError(what, remedy=remedy, code="no-version")

    def measured(self, found: Version) -> Version:
        """Return the version with the metrics of its backtest."""
        return replace(found, metrics=self._run(found)[0])

    def findings(self, candidate: Version, measured: Metrics | None = None) -> list[Finding]:
        """Judge a version by the gates it was trained with, against the champion.

        What was compared with another champion than the present one does not count.

        Args:
            candidate: The version.
            measured: The champion's metrics on the same folds; without it, those of its own backtest.
        """
        tags = self.run_tags(candidate)
        gates = [Gate.model_validate(item) for item in json.loads(tags.get(GATES_TAG, "[]"))]
        present = self._rival(candidate)
        if present is None:
            return [*_lineage(candidate), *judge(gates, candidate.metrics)]
        metrics = candidate.metrics
        if tags.get(COMPARED_TAG) != present.artifact_hash:
            metrics = {name: value for name, value in metrics.items() if not _compares(name)}
        theirs = measured if measured is not None else self.measured(present).metrics
        return [*_lineage(candidate), *judge(gates, metrics, theirs)]

    def judged(self, reference: str) -> tuple[Version, list[Finding]]:
        """Return a version with its metrics, and what its gates say about it, without the champion's."""
        found = self.version(reference)
        gates = [Gate.model_validate(item) for item in json.loads(self.run_tags(found).get(GATES_TAG, "[]"))]
        return found, [*_lineage(found), *judge(gates, found.metrics)]

    def run_tags(self, found: Version) -> dict[str, str]:
        """Return the tags of the run that judged a version."""
        return self._run(found)[1]

    def verdict_hash(self, found: Version) -> str:
        """Return the hash of the verdict about a version; empty for a version from before verdicts."""
        return self.run_tags(found).get(VERDICT_HASH_TAG, "")

    def crown(self, version: str) -> None:
        """Make a version champion; the old one is `previous` from then on."""
        aliases = self.aliases()
        old = aliases.get(CHAMPION)
        if old is not None and old != version:
            self._set(PREVIOUS, old)
        reach("training.before-champion")
        self._set(CHAMPION, version)
        if aliases.get(CHALLENGER) == version:
            self._client.delete_registered_model_alias(self._name, CHALLENGER)
        self.remember()

    def retire(self, found: Version, day: str) -> None:
        """Mark a version as retired, and take its aliases away."""
        self._progress.step()
        self._client.set_model_version_tag(self._name, found.version, RETIRED_TAG, day)
        for alias in found.aliases:
            self._progress.step()
            self._client.delete_registered_model_alias(self._name, alias)
        self.remember()

    def expect(self, seconds: float) -> None:
        """Allow the next step so many seconds more."""
        self._progress.step(extra=seconds)

    def challenge(self, version: str) -> None:
        """Make a version the challenger, unless it is the champion already."""
        if self.aliases().get(CHAMPION) != version:
            self._set(CHALLENGER, version)
        self.remember()

    def remember(self) -> None:
        """Keep on the disk which artifact each alias means."""
        aliases = {
            alias: {"version": found.version, "artifact_hash": found.artifact_hash}
            for found in self.versions()
            for alias in found.aliases
        }
        self._storage.remember(aliases)

    def fetch(self, found: Version) -> Path:
        """Return the verified folder of a version's artifact; downloads it when it is not here.

        Raises:
            IntegrityError: What is here, or what was downloaded, is not the registered artifact, or it is
                not signed as it has to be.
        """
        folder = self._storage.artifact(found.artifact_hash)
        if folder.exists():
            verify_signed(folder, self._signatures, found.artifact_hash)
            return folder
        with self._storage.scratch() as scratch:
            self._download(found.run_id, ARTIFACT_FOLDER, scratch / ARTIFACT_FOLDER)
            verify_signed(scratch / ARTIFACT_FOLDER, self._signatures, found.artifact_hash)
            return self._storage.adopt(scratch / ARTIFACT_FOLDER, found.artifact_hash)

    def text_of(self, found: Version, path: str) -> str:
        """Return a text file of the run that judged a version; empty where it has none of this name."""
        run_id, (folder, _, _) = found.judged_run_id or found.run_id, path.rpartition("/")
        present = {item.path for item in self._client.list_artifacts(run_id, folder)}
        self._progress.step()
        if path not in present:
            return ""
        with self._storage.scratch() as scratch:
            return Path(self._client.download_artifacts(run_id, path, str(scratch))).read_text("utf-8")

    def _download(self, run_id: str, path: str, target: Path) -> None:
        """Download file by file, so that a server that hangs is told from one that is busy."""
        target.mkdir()
        items = self._client.list_artifacts(run_id, path)
        for item in sorted(items, key=lambda item: str(item.path)):
            if item.is_dir:
                self._download(run_id, item.path, target / PurePosixPath(item.path).name)
                continue
            self._progress.step(extra=(item.file_size or 0) / BYTES_PER_SECOND)
            self._client.download_artifacts(run_id, item.path, str(target))
        self._progress.step()

    def _rival(self, candidate: Version) -> Version | None:
        """Return the champion, unless there is none or it is the candidate itself."""
        number = self.aliases().get(CHAMPION)
        return None if number is None or number == candidate.version else self.version(number)

    def _run(self, found: Version) -> tuple[dict[str, float], dict[str, str]]:
        run = self._client.get_run(found.judged_run_id or found.run_id)
        self._progress.step()
        return dict(run.data.metrics), dict(run.data.tags)

    def _set(self, alias: str, version: str) -> None:
        self._progress.step()
        self._client.set_registered_model_alias(self._name, alias, version)

    def _pages(self) -> list[Any]:
        found: list[Any] = []
        token = None
        while True:
            page = self._client.search_model_versions(f"name = '{self._name}'", page_token=token)
            found += page
            token = page.token
            self._progress.step()
            if not token:
                return found


def list_versions(project: Project, *, metrics: bool = False) -> list[Version]:
    """Return all registered versions, newest first; with `metrics`, those of their backtests too.

    Raises:
        DependencyDownError: The registry does not answer.
    """

    def read(registry: Registry) -> list[Version]:
        found = registry.versions()
        return [registry.measured(item) for item in found] if metrics else found

    return use(project, read)


def resolve(project: Project, reference: str = CHAMPION) -> Resolved:
    """Return the verified artifact of an alias or version number, on this machine.

    When the registry does not answer, the last known meaning of an alias is used.

    Raises:
        UsageError: No such version.
        IntegrityError: The artifact is not the registered one.
        DependencyDownError: The registry does not answer and the reference is not remembered here.
    """

    known = _known_here(project, reference)
    if known is not None:
        return known

    def read(registry: Registry) -> Resolved:
        found = registry.version(reference)
        registry.remember()
        return Resolved(found.version, registry.fetch(found), found.artifact_hash)

    try:
        return use(project, read)
    except DependencyDownError:
        remembered = _remembered(project, reference)
        if remembered is None:
            raise
        return remembered


def use(project: Project, work: Callable[[Registry], T]) -> T:
    """Run `work` on the project's registry, as long as it answers.

    Raises:
        DependencyDownError: It does not, or not within ten seconds a step.
    """
    client = connect(project)

    def run(progress: Progress) -> T:
        with responsive(project):
            return work(Registry(client, project, progress))

    try:
        return within(PATIENCE_SECONDS, run)
    except TimeoutError as error:
        raise down(project, error) from error


def _known_here(project: Project, alias: str) -> Resolved | None:
    """Return what an alias means where registry and local pointer agree and the artifact is on this machine.

    Raises:
        IntegrityError: The artifact is not the registered one.
    """
    storage, found = Storage(project.artifacts), look_up(project, alias)
    if found is None or storage.remembered().get(alias) != found._asdict():
        return None  # the pointer is written anew once MLflow was asked
    folder = storage.artifact(found.artifact_hash)
    if not folder.is_dir():
        return None
    verify_signed(folder, project.signatures, found.artifact_hash)
    return Resolved(found.version, folder, found.artifact_hash)


def _remembered(project: Project, reference: str) -> Resolved | None:
    storage = Storage(project.artifacts)
    for alias, known in storage.remembered().items():
        if reference == alias or reference.removeprefix("v") == known["version"]:
            folder = storage.artifact(known["artifact_hash"])
            if folder.exists():
                verify_signed(folder, project.signatures, known["artifact_hash"])
                return Resolved(known["version"], folder, known["artifact_hash"], remembered=True)
    return None


def _lineage(candidate: Version) -> Sequence[Finding]:
    """Refuse a version whose data, features or metrics nobody could tell later."""
    named = {
        "snapshot_id": candidate.snapshot_id,
        "feature_fingerprint": candidate.feature_fingerprint,
        "artifact_hash": candidate.artifact_hash,
        "metrics": str(len(candidate.metrics) or ""),
    }
    return [Finding(bool(value), f"{name} is {value or 'not recorded'}") for name, value in named.items()]


def _compares(metric: str) -> bool:
    if metric.endswith(BESIDE_CHAMPION):
        return True
    return metric.removesuffix("/low").removesuffix("/high") in AGAINST_CHAMPION


def _version(item: Any, aliases: Mapping[str, str]) -> Version:
    number = str(item.version)
    tags = dict(item.tags)
    return Version(
        version=number,
        aliases=tuple(sorted(alias for alias, version in aliases.items() if version == number)),
        run_id=str(item.run_id),
        created_at=datetime.fromtimestamp(item.creation_timestamp / 1000, tz=UTC),
        artifact_hash=tags.get("artifact_hash", ""),
        snapshot_id=tags.get("snapshot_id", ""),
        feature_fingerprint=tags.get("feature_fingerprint", ""),
        as_of_date=tags.get("as_of_date", ""),
        recipe=tags.get("recipe", ""),
        trained_by=tags.get("trained_by", ""),
        judged_run_id=tags.get(JUDGED_RUN_TAG, ""),
        retired=tags.get(RETIRED_TAG, ""),
    )
