"""Folders of finished campaigns: one a key, complete or not at all; one run at a time."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from vipreco.durable import flush_directory, sha256_of, write_json
from vipreco.errors import BusyError, IntegrityError, ResourcesError, UsageError
from vipreco.failpoints import reach

MANIFEST = "manifest.json"
LISTS = "lists"
FAILING_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EROFS})


class CampaignFolder:
    """Folder of all campaigns.

    Args:
        folder: Made when it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path_of(self, key: str) -> Path:
        """Return the folder of a finished run."""
        return self.folder / key

    @contextmanager
    def alone(self, key: str, wait: bool = False) -> Iterator[None]:
        """Hold the lock of a key; a killed process gives it back.

        Args:
            key: Of the campaign.
            wait: Wait for the other run instead of giving up.

        Raises:
            BusyError: The campaign is being run.
            UsageError: The folder is a link, or no folder.
            ResourcesError: It cannot be written to.
        """
        self._check_folder()
        with _disk(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.folder / f".{key}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            _lock(descriptor, self.path_of(key), wait)
            yield
        finally:
            os.close(descriptor)

    def is_whole(self, key: str, inputs_hash: str) -> bool:
        """Return whether the folder of a key holds a finished run of these inputs, byte for byte."""
        folder = self.path_of(key)
        manifest = self.manifest(key)
        if manifest is None or manifest.get("inputs_hash") != inputs_hash:
            return False
        files = manifest["files"]
        there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        return there == {*files, MANIFEST} and all(
            sha256_of(folder / name) == entry["sha256"] for name, entry in files.items()
        )

    def manifest(self, key: str) -> dict[str, Any] | None:
        """Return the manifest of a finished run; None where there is none."""
        try:
            content: dict[str, Any] = json.loads((self.path_of(key) / MANIFEST).read_bytes())
        except (OSError, ValueError):
            return None
        return content

    def open_list(self, key: str, manifest: Mapping[str, Any], name: str) -> BinaryIO:
        """Open a list, such as `call.csv` or `call/M00001.xlsx`, that is what the run wrote.

        Args:
            key: Of the campaign.
            manifest: Of its run, as the store has it.
            name: One of `lists_of`.

        Raises:
            UsageError: The run wrote no such list.
            IntegrityError: The bytes are not those that the run wrote.
        """
        if name not in (names := lists_of(manifest)):
            raise UsageError(
                f"the run of {key} wrote no such list",
                where="list",
                remedy="name one of these",
                code="no-list",
                examples=names,
            )
        path = self.path_of(key) / LISTS / name
        wanted = manifest["files"][f"{LISTS}/{name}"]["sha256"]
        with ExitStack() as stack:
            file = stack.enter_context(path.open("rb")) if path.is_file() else None
            if file is None or hashlib.file_digest(file, "sha256").hexdigest() != wanted:
                raise IntegrityError(
                    "is not the list that the run wrote",
                    where=str(path),
                    remedy="restore it from a backup, or let `vipreco campaign run` write it again",
                    code="campaign-changed",
                )
            stack.pop_all()
        file.seek(0)  # the same file is read, whatever takes its name meanwhile
        return file

    def check_target(self, key: str, mine: bool) -> None:
        """Make sure that nothing else stands where the run of a key goes.

        Args:
            key: Of the campaign.
            mine: The store knows the run, so that a folder may be its own.

        Raises:
            UsageError: A file, a link, or a folder of something else is there.
        """
        target = self.path_of(key)
        if target.is_symlink() or (target.exists() and not target.is_dir()):
            raise UsageError("exists already and is not a folder", where=str(target), code="output-exists")
        if target.exists() and not mine:
            raise UsageError(
                "exists already, and the store knows no such run",
                where=str(target),
                remedy="restore the store, or move the folder away",
                code="output-exists",
            )

    @contextmanager
    def building(self, key: str) -> Iterator[Path]:
        """Give an empty folder; at the end it stands in the place of the key, as a whole.

        Raises:
            ResourcesError: The disk is full or failing; nothing visible was changed.
        """
        partial, old = (self.folder / f".{key}.{kind}" for kind in ("partial", "old"))
        for left in (partial, old):
            shutil.rmtree(left, ignore_errors=True)
        try:
            with _disk(partial):
                partial.mkdir(mode=0o700)
                yield partial
                for folder in sorted({path.parent for path in partial.rglob("*")}):
                    flush_directory(folder)
                reach("campaign-built")
                if self.path_of(key).exists():
                    self.path_of(key).rename(old)
                partial.rename(self.path_of(key))
                flush_directory(self.folder)
            reach("campaign-renamed")
        finally:
            for left in (partial, old):
                shutil.rmtree(left, ignore_errors=True)

    def _check_folder(self) -> None:
        if self.folder.is_symlink() or (self.folder.exists() and not self.folder.is_dir()):
            raise UsageError(
                "is a link or not a folder",
                where=str(self.folder),
                remedy="name a real folder as `folder` under [campaign] in vipreco.toml",
                code="output-link",
            )


def lists_of(manifest: Mapping[str, Any] | None) -> list[str]:
    """Return the names of the lists of a run; nothing where it is not finished."""
    names = () if manifest is None else manifest["files"]
    return sorted(name.removeprefix(f"{LISTS}/") for name in names if name.startswith(f"{LISTS}/"))


def write_manifest(folder: Path, content: dict[str, Any]) -> dict[str, Any]:
    """Write the manifest over all files that are in a folder now, and return it."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = {
        str(path.relative_to(folder)): {"sha256": sha256_of(path), "size": path.stat().st_size}
        for path in paths
    }
    whole = {**content, "files": files}
    write_json(folder / MANIFEST, whole)
    return whole


def _lock(descriptor: int, target: Path, wait: bool) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError as error:
        raise BusyError(
            "this campaign is being run",
            where=str(target),
            remedy="wait for it, or let the command wait with --wait",
            code="busy",
        ) from error


@contextmanager
def _disk(where: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in FAILING_DISK:
            raise
        raise ResourcesError(
            f"cannot be written: {error.strerror}",
            where=str(error.filename or where),
            remedy="free disk space and run the command again; nothing was changed",
            code="disk",
        ) from error
