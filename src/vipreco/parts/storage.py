"""Storage: files below a folder of this machine, or below an address that all machines of a cluster reach."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import fs

from vipreco.durable import flush_directory, flush_file, sha256_of, write_bytes
from vipreco.errors import DependencyDownError, IntegrityError, UsageError

FRESH = ".new-"


class Storage:
    """Files below a folder or an address.

    Args:
        address: A folder of this machine, `s3://bucket/path` (with `endpoint_override` and others as
            parameters of the address, as pyarrow reads them), `hdfs://name/path`, or any that fsspec knows.

    Attributes:
        folder: The folder, where it is one of this machine.

    Raises:
        UsageError: Nothing here can read such an address.
    """

    def __init__(self, address: str | Path) -> None:
        self.address = str(address)
        self._system, self._root = _opened(self.address)
        self.folder = Path(self._root) if isinstance(self._system, fs.LocalFileSystem) else None

    def read(self, name: str) -> bytes | None:
        """Return the content of a file, or None where there is none.

        Raises:
            DependencyDownError: The storage does not answer.
        """
        if self.folder:
            path = self.folder / name
            return path.read_bytes() if path.is_file() else None
        with self._reached():
            if self._system.get_file_info(self._path(name)).type != fs.FileType.File:
                return None
            with self._system.open_input_stream(self._path(name)) as stream:
                return bytes(stream.read())

    def write(self, name: str, content: bytes) -> None:
        """Write a file, all of it or nothing.

        Raises:
            DependencyDownError: The storage does not answer.
            ResourcesError: The disk is full.
        """
        if self.folder:
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            write_bytes(self.folder / name, content)
            return
        with self._reached():
            self._system.create_dir(self._path(name).rpartition("/")[0], recursive=True)
            with self._system.open_output_stream(self._path(name)) as stream:
                stream.write(content)

    def has(self, name: str) -> bool:
        """Return True where there is such a file."""
        if self.folder:
            return (self.folder / name).is_file()
        with self._reached():
            return bool(self._system.get_file_info(self._path(name)).type == fs.FileType.File)

    def children(self, name: str) -> list[str]:
        """Return the names of what lies directly in a folder, in order; none where there is no folder."""
        with self._reached():
            selector = fs.FileSelector(self._path(name), allow_not_found=True)
            return sorted(info.base_name for info in self._system.get_file_info(selector))

    @contextmanager
    def filling(self, name: str, seal: str) -> Iterator[Path]:
        """Give an empty folder of this machine; what is in it afterwards becomes the folder `name`.

        Nobody sees a part of it: on this machine it is renamed; elsewhere the file `seal` comes last, and who
        reads a folder asks for that one first. Where another was quicker, its folder stays.
        """
        beside = (self.folder / name).parent if self.folder else None
        if beside:
            beside.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=FRESH, dir=beside))
        try:
            yield fresh
            if self.folder:
                _renamed(fresh, self.folder / name, seal)
            else:
                self._sent(fresh, name, seal)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    def fetch(self, hashes: dict[str, str], scratch: Path) -> list[Path]:
        """Return files of this machine with the content of some files: in place, or copied to a folder.

        Args:
            hashes: SHA-256 of each file by its name.
            scratch: Where copies of files of other machines go.

        Raises:
            IntegrityError: A file is missing or not what its hash says.
            DependencyDownError: The storage does not answer.
        """
        found = [self._fetched(name, scratch) for name in hashes]
        wrong = [
            name
            for (name, known), path in zip(hashes.items(), found, strict=True)
            if not path.is_file() or sha256_of(path) != known
        ]
        if wrong:
            raise self.changed(wrong)
        return found

    def changed(self, names: Sequence[str]) -> IntegrityError:
        """Return the error of files that are missing or not what was written."""
        return IntegrityError(
            "is missing or not what was written",
            where=f"{self.address.partition('?')[0]}/{names[0]}",
            remedy="remove the storage of [engine] in vipreco.toml and run the command again",
            code="part-file",
            examples=list(names),
        )

    def fetch_folder(self, name: str, scratch: Path) -> Path:
        """Return a folder of this machine with all files of a folder: in place, or a copy of it."""
        if self.folder:
            return self.folder / name
        target = scratch / name
        target.mkdir(parents=True, exist_ok=True)
        with self._reached():
            fs.copy_files(self._path(name), str(target), self._system, fs.LocalFileSystem())
        return target

    def remove(self, name: str = "") -> None:
        """Remove a folder with all that is in it, or everything."""
        if self.folder:
            shutil.rmtree(self.folder / name, ignore_errors=True)
            return
        with self._reached():
            if self._system.get_file_info(self._path(name)).type == fs.FileType.Directory:
                self._system.delete_dir(self._path(name))

    def _fetched(self, name: str, scratch: Path) -> Path:
        if self.folder:
            return self.folder / name
        target = scratch / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with self._reached():
            fs.copy_files(self._path(name), str(target), self._system, fs.LocalFileSystem())
        return target

    def _sent(self, fresh: Path, name: str, seal: str) -> None:
        files = sorted(path for path in fresh.rglob("*") if path.is_file())
        with self._reached():
            for path in sorted(files, key=lambda one: one == fresh / seal):
                target = self._path(f"{name}/{path.relative_to(fresh).as_posix()}")
                self._system.create_dir(target.rpartition("/")[0], recursive=True)
                fs.copy_files(str(path), target, fs.LocalFileSystem(), self._system)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}".rstrip("/")

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except (OSError, pa.ArrowException) as error:
            if self.folder:
                raise
            raise DependencyDownError(
                f"the storage does not answer: {str(error).splitlines()[0]}",
                where=self.address.partition("?")[0],
                remedy="check address, credentials and network; finished parts are kept",
                code="storage",
            ) from error


def folder_hash(folder: Path, besides: Sequence[str] = ()) -> str:
    """Return a SHA-256 over names and contents of all files of a folder, but for some."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if name not in besides:
            digest.update(f"{name}\0{sha256_of(path)}\n".encode())
    return digest.hexdigest()


def _renamed(fresh: Path, target: Path, seal: str) -> None:
    for path in sorted(fresh.rglob("*")):
        flush_directory(path) if path.is_dir() else flush_file(path)
    if target.is_dir() and not (target / seal).is_file():
        shutil.rmtree(target)
    try:
        fresh.rename(target)
    except OSError:
        if not (target / seal).is_file():
            raise
    flush_directory(target.parent)


def _opened(address: str) -> tuple[Any, str]:
    """Return a file system of pyarrow, and the path below it."""
    if "://" not in address:
        return fs.LocalFileSystem(), str(Path(address).resolve())
    try:
        system, root = fs.FileSystem.from_uri(address)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return _opened_by_fsspec(address)
    except OSError as error:
        raise _unreadable(address, str(error)) from error
    return system, root.rstrip("/")


def _opened_by_fsspec(address: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs  # noqa: PLC0415 - for addresses that pyarrow does not know alone

        system, root = url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise _unreadable(address, str(error)) from error
    return fs.PyFileSystem(fs.FSSpecHandler(system)), str(root).rstrip("/")


def _unreadable(address: str, why: str) -> UsageError:
    return UsageError(
        f"nothing here reads such an address: {why.splitlines()[0]}",
        where=address.partition("?")[0],
        remedy="name a folder, s3://..., hdfs://..., or install the package that fsspec asks for",
        code="storage-address",
    )
