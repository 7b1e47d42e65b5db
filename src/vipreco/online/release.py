"""Releases: folders from which a service answers, and the one pointer that says which is in force."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vipreco.durable import canonical_json, flush_directory, flush_file, sha256_of, write_json
from vipreco.errors import BusyError, IntegrityError, UsageError, VipRecoError
from vipreco.failpoints import reach
from vipreco.signatures import NO_SIGNATURES, RELEASE, SIGNATURE_FILE, Signatures
from vipreco.verified_files import VerifiedFiles

POINTER, REFUSED, FOLLOWED, LOCK = "current.json", "refused.json", "followed.json", "lock"
FOLDERS, MANIFEST = "prepared", "manifest.json"
BOOKS = "books.parquet"
PARTS = "parts"
NAME_LENGTH = 16
KEPT_RELEASES = (
    3  # prepared folders that stay: the one in force, the one before, and one that a worker may still read
)


@dataclass(frozen=True)
class Pointer:
    """Name of the release in force, and of the one before it."""

    current: str
    previous: str | None = None


class Releases:
    """The folder `data/serving` of a project.

    Args:
        folder: Made when it is not there.
        signatures: Signs new releases.
    """

    def __init__(self, folder: Path, signatures: Signatures = NO_SIGNATURES) -> None:
        self.folder, self.signatures = folder, signatures

    def pointer(self) -> Pointer | None:
        """Return the pointer; None before anything was prepared.

        Raises:
            IntegrityError: The pointer is no such file.
        """
        path = self.folder / POINTER
        try:
            content = json.loads(path.read_bytes())
            return Pointer(str(content["current"]), content.get("previous"))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError) as error:
            raise IntegrityError(
                "is not a pointer to a release", where=str(path), code="bad-pointer"
            ) from error

    def current(self) -> Path:
        """Return the folder of the release in force.

        Raises:
            UsageError: Nothing was prepared yet.
        """
        found = self.pointer()
        if found is None:
            raise UsageError(
                "nothing was prepared yet",
                where=str(self.folder),
                remedy="run `vipreco prepare`",
                code="not-prepared",
            )
        return self.path_of(found.current)

    def path_of(self, name: str) -> Path:
        """Return the folder of a name."""
        return self.folder / FOLDERS / name

    def publish(self, build: Callable[[Path], Mapping[str, Any]]) -> Path:
        """Let `build` fill a new folder, seal it with a manifest, and put it in force; all of it or nothing.

        Args:
            build: Fills the folder that it is given, and returns what the manifest says beside the hashes.

        Raises:
            BusyError: Another process prepares.
        """
        with self._alone():
            place = self.folder / FOLDERS
            place.mkdir(parents=True, exist_ok=True)
            for left in place.glob(".new-*"):
                shutil.rmtree(left, ignore_errors=True)
            fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=place))
            try:
                target = self._sealed(fresh, build(fresh))
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
            self._point(target.name)
            self._forget_old()
            return target

    def all(self) -> list[Path]:
        """Return the folders of all releases, by name."""
        return sorted(path.parent for path in (self.folder / FOLDERS).glob(f"[!.]*/{MANIFEST}"))

    def sign(self, folder: Path) -> None:
        """Check a release that is there, and sign it where this machine has a key.

        Raises:
            IntegrityError: It is not what was prepared.
        """
        self.signatures.sign_folder(RELEASE, _hash_of(open_release(folder)[0]), folder)

    def roll_back(self) -> Path:
        """Put the folder before the current one in force again.

        Raises:
            UsageError: There is none.
        """
        with self._alone():
            found = self.pointer()
            if found is None or not found.previous or not self.path_of(found.previous).is_dir():
                raise UsageError("there is no earlier release", where=str(self.folder), code="no-previous")
            self._point(found.previous)
            return self.path_of(found.previous)

    def withdraw(self, snapshot_ids: Collection[str]) -> list[str]:
        """Remove the releases of tables that are no more; return their names.

        Without one that is left, nothing is in force until the next nightly build.

        Args:
            snapshot_ids: Fingerprints that the tables have or had.
        """
        place = self.folder / FOLDERS
        if not place.is_dir():
            return []
        with self._alone():
            stale = sorted(path for path in place.iterdir() if _made_of(path) not in {*snapshot_ids, None})
            gone = {path.name for path in stale}
            found = self.pointer()
            if found is not None and found.current in gone:
                self._point_back(found, gone)
            for path in stale:
                shutil.rmtree(path, ignore_errors=True)
            return sorted(gone)

    def _point_back(self, found: Pointer, gone: Collection[str]) -> None:
        if found.previous and found.previous not in gone and self.path_of(found.previous).is_dir():
            write_json(self.folder / POINTER, {"current": found.previous, "previous": None})
        else:
            (self.folder / POINTER).unlink()

    def refuse(self, model: str, error: VipRecoError) -> None:
        """Note that a candidate was refused; the release in force stays."""
        self.folder.mkdir(parents=True, exist_ok=True)
        moment = datetime.now(UTC).isoformat(timespec="seconds")
        write_json(
            self.folder / REFUSED, {"model": model, "code": error.code, "what": error.what, "at": moment}
        )

    def refused(self) -> dict[str, str] | None:
        """Return the last refusal since something was put in force."""
        try:
            return dict(json.loads((self.folder / REFUSED).read_bytes()))
        except (FileNotFoundError, ValueError):
            return None

    def followed(self) -> str | None:
        """Return the hash of the champion that was prepared, or refused, last; None before the first."""
        try:
            return str(json.loads((self.folder / FOLLOWED).read_bytes())["artifact_hash"])
        except (FileNotFoundError, ValueError, KeyError):
            return None

    def follow(self, artifact_hash: str) -> None:
        """Note that the registry's champion was taken up: it is not again until it is another."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.folder / FOLLOWED, {"artifact_hash": artifact_hash})

    def _sealed(self, fresh: Path, facts: Mapping[str, Any]) -> Path:
        files = sorted(path for path in fresh.rglob("*") if path.is_file())
        hashes = {str(path.relative_to(fresh)): sha256_of(path) for path in files}
        content = {**facts, "files": hashes}
        name = _name_of(content)
        (fresh / MANIFEST).write_bytes(canonical_json(content))
        for path in (*files, fresh / MANIFEST):
            flush_file(path)
        self.signatures.sign_folder(RELEASE, _hash_of(content), fresh)
        reach("prepare-sealed")
        target = self.path_of(name)
        if not target.is_dir():
            fresh.rename(target)
            flush_directory(target.parent)
        elif self.signatures.can_sign:  # the same was prepared before, perhaps without a key
            self.sign(target)
        reach("prepare-renamed")
        return target

    def _point(self, name: str) -> None:
        found = self.pointer()
        before = found.current if found and found.current != name else found.previous if found else None
        write_json(self.folder / POINTER, {"current": name, "previous": before})
        (self.folder / REFUSED).unlink(missing_ok=True)
        reach("prepare-pointed")

    def _forget_old(self) -> None:
        found = self.pointer()
        kept = {found.current, found.previous} if found else set()
        others = [path for path in (self.folder / FOLDERS).iterdir() if path.name not in kept]
        others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for path in others[KEPT_RELEASES - len(kept) :]:
            shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / LOCK).open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise BusyError(
                    "another nightly build is running",
                    where=str(self.folder),
                    remedy="wait for it",
                    code="busy",
                ) from error
            yield


def read_manifest(folder: Path, signatures: Signatures = NO_SIGNATURES) -> dict[str, Any]:
    """Read the manifest of a release and check every file against it, as `open_release`."""
    return open_release(folder, signatures)[0]


def shown_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of a release to be shown, without checking any file against it."""
    try:
        content: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return {}
    return content


def open_release(
    folder: Path, signatures: Signatures = NO_SIGNATURES
) -> tuple[dict[str, Any], VerifiedFiles]:
    """Read the manifest of a release and check every file against it; later checks ask for changes alone.

    Args:
        folder: Of the release.
        signatures: Checks who made it.

    Raises:
        IntegrityError: A file is missing, further, or not what its hash says, or the release is not signed as
            it has to be.
    """
    try:
        content: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
        hashes: dict[str, str] = content["files"]
    except (OSError, ValueError, KeyError) as error:
        raise IntegrityError(
            "has no manifest that can be read", where=str(folder), code="manifest"
        ) from error
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {
        MANIFEST,
        SIGNATURE_FILE,
    }
    files = VerifiedFiles(folder, hashes)
    wrong = sorted(there ^ set(hashes)) or files.wrong(full=True)
    if wrong or _name_of(content) != folder.name:
        raise changed_release(folder, wrong)
    signatures.check_folder(RELEASE, _hash_of(content), folder)
    return content, files


def changed_release(folder: Path, wrong: Sequence[str]) -> IntegrityError:
    """Return the error of a release with wrong files."""
    return IntegrityError(
        "was changed after it was prepared",
        where=str(folder / wrong[0]) if wrong else str(folder),
        remedy="run `vipreco prepare` again, or `vipreco prepare --roll-back`",
        code="prepared-changed",
        examples=list(wrong),
    )


def _made_of(folder: Path) -> str | None:
    """Return the fingerprint of the tables that a release was made of; None where it is not told."""
    try:
        return str(json.loads((folder / MANIFEST).read_bytes())["snapshot_id"])
    except (OSError, ValueError, KeyError):
        return None


def _name_of(content: Mapping[str, Any]) -> str:
    return _hash_of(content)[:NAME_LENGTH]


def _hash_of(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical_json(content)).hexdigest()
