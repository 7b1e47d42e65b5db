"""Saving an artifact: it appears as a whole under its name, or not at all."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vipreco.artifact.manifest import verify
from vipreco.durable import flush_directory, flush_file
from vipreco.errors import BusyError, ResourcesError
from vipreco.scratch_folder import scratch_folder

DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EROFS})


@contextmanager
def saving(folder: Path) -> Iterator[Path]:
    """Give an empty temporary directory beside `folder`; on success it becomes `folder`.

    Inside, write the files and then the manifest, last. An equal artifact that is already there is kept.

    Raises:
        BusyError: Another artifact has that name.
        IntegrityError: The manifest is missing, or something was written after it.
        ResourcesError: The disk is full or failing; nothing is visible under the name.
    """
    with temporary_beside(folder) as temporary:
        yield temporary
        manifest = verify(temporary)
        if folder.exists():
            _check_equal(folder, manifest.artifact_hash)
        else:
            publish(temporary, folder)


@contextmanager
def temporary_beside(folder: Path) -> Iterator[Path]:
    """Give an empty directory on the same disk as `folder`, gone afterwards unless it was published.

    Raises:
        ResourcesError: The disk is full or failing.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with scratch_folder("saving", folder.parent) as temporary:
            yield temporary
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        what = f"cannot be written: {error.strerror}"
        remedy = "free disk space and run the command again; nothing was changed"
        raise ResourcesError(what, where=str(folder), remedy=remedy, code="disk") from error


def publish(temporary: Path, folder: Path) -> None:
    """Make all of `temporary` durable and give it its final name, which must be free."""
    _flush(temporary)
    temporary.rename(folder)
    flush_directory(folder.parent)


def _check_equal(folder: Path, artifact_hash: str) -> None:
    if verify(folder).artifact_hash != artifact_hash:
        remedy = "save under another name; a saved artifact never changes"
        what = "is the name of another artifact"
        raise BusyError(what, where=str(folder), remedy=remedy, code="artifact-exists")


def _flush(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            flush_directory(path)
        else:
            path.chmod(0o600)
            flush_file(path)
    flush_directory(folder)
