"""The manifest of an artifact: what must be in the directory, byte for byte, and nothing else."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from vipreco.durable import canonical_json, sha256_of, write_bytes
from vipreco.errors import IntegrityError
from vipreco.signatures import ARTIFACT, SIGNATURE_FILE, Signatures

FORMAT_VERSION: Final = 1
MANIFEST_FILE: Final = "manifest.json"
BESIDE: Final = frozenset({MANIFEST_FILE, SIGNATURE_FILE})
MAX_MANIFEST_BYTES: Final = 16 << 20
# The libraries whose release can change a decision that is computed from the artifact.
LIBRARIES: Final = ("duckdb", "lightgbm", "numpy", "polars", "pyarrow", "vipreco")
CODE_SUFFIXES: Final = frozenset(
    {".pkl", ".pickle", ".joblib", ".cloudpickle", ".dill", ".skops", ".py", ".pyc", ".so", ".dll", ".sh"}
    | {".gz", ".bz2", ".xz", ".zst", ".zip", ".tar", ".whl"}
)
CODE_NAMES: Final = frozenset({"mlmodel", "python_env.yaml", "conda.yaml"})
REFIT: Final = "do not use it; fetch the version again, or train it anew with `vipreco train`"

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Release = Annotated[str, Field(pattern=r"^\d+(\.|$)")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class FileEntry(_Strict):
    """The required SHA-256 of a file, as hex text, and its size in bytes."""

    sha256: Sha256
    size: Annotated[int, Field(ge=0)]


class Manifest(_Strict):
    """The content of `manifest.json`; `artifact_hash` covers everything else in it, so every byte."""

    format: Literal[1]
    artifact_hash: Sha256
    files: dict[str, FileEntry]
    libraries: dict[str, Release]
    facts: dict[str, JsonValue]


def write_manifest(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Write `manifest.json` over all files now in `folder` and return its content.

    Args:
        folder: The finished directory; nothing may be written to it afterwards.
        facts: Inputs that it was made from (`snapshot_id`, `feature_fingerprint`, `as_of_date`, ...), as JSON
            values. A moment of the wall clock does not belong here: a refit must give the same hash.

    Raises:
        IntegrityError: A file that no artifact may hold (code, link) is in the folder.
    """
    content: dict[str, Any] = {
        "format": FORMAT_VERSION,
        "files": {name: _entry(folder / name) for name in _file_names(folder)},
        "libraries": {name: version(name) for name in LIBRARIES},
        "facts": dict(facts),
    }
    content["artifact_hash"] = _hash_of(content)
    write_bytes(folder / MANIFEST_FILE, canonical_json(content))
    return content


def verify(folder: Path, expected_hash: str | None = None) -> Manifest:
    """Return the manifest after proving that `folder` is exactly what it says; parses nothing else.

    Args:
        folder: The artifact.
        expected_hash: `artifact_hash` known from elsewhere (the registry). Without it, a directory
            whose manifest was rewritten together with its files passes.

    Raises:
        IntegrityError: Missing, extra, changed, linked or forbidden file; unknown format; a library of a
            newer major version than here. The error names the file.
    """
    names = _file_names(folder)
    manifest = _read_manifest(folder / MANIFEST_FILE)
    _check_hash(folder, manifest, expected_hash)
    _check_names(folder, names, manifest)
    _check_libraries(folder, manifest)
    for name, entry in manifest.files.items():
        _check_file(folder / name, entry)
    return manifest


def verify_signed(folder: Path, signatures: Signatures, expected_hash: str | None = None) -> Manifest:
    """As `verify`, and prove that a key which the bank trusts stands behind the artifact.

    Raises:
        IntegrityError: As `verify`, or it is not signed as it has to be.
    """
    manifest = verify(folder, expected_hash)
    signatures.check_folder(ARTIFACT, manifest.artifact_hash, folder)
    return manifest


def sign_artifact(folder: Path, signatures: Signatures) -> str:
    """Verify an artifact, sign it where this machine has a key, and return its hash.

    Raises:
        IntegrityError: A file is not what the manifest says.
    """
    digest = verify(folder).artifact_hash
    signatures.sign_folder(ARTIFACT, digest, folder)
    return digest


def _file_names(folder: Path) -> list[str]:
    """Return the sorted names of all files but manifest and signature; refuse what is no plain data."""
    try:
        return sorted(name for name in _walk(folder, folder) if name not in BESIDE)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _refusal(folder, "is not a directory that can be read", "no-artifact") from error


def _walk(folder: Path, root: Path) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            path = Path(entry.path)
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                yield from _walk(path, root)
                continue
            _check_kind(path, mode)
            yield path.relative_to(root).as_posix()


def _check_kind(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise _refusal(path, "is a link or a device, an artifact holds plain files only", "not-plain-file")
    if path.name.lower() in CODE_NAMES or CODE_SUFFIXES.intersection(s.lower() for s in path.suffixes):
        raise _refusal(path, "could hold code, which no artifact may; it was not opened", "forbidden-file")


def _read_manifest(path: Path) -> Manifest:
    try:
        with path.open("rb") as handle:
            content = handle.read(MAX_MANIFEST_BYTES + 1)
    except FileNotFoundError as error:
        raise _refusal(path, "is missing", "missing-file") from error
    return _parse_manifest(path, content)


def _parse_manifest(path: Path, content: bytes) -> Manifest:
    """Parse strictly: the bytes must be the canonical form, so that one hash has one content."""
    try:
        parsed = json.loads(content) if len(content) <= MAX_MANIFEST_BYTES else None
        if not isinstance(parsed, dict) or canonical_json(parsed) != content:
            raise _refusal(path, "is not a canonical manifest", "manifest")
    except (ValueError, RecursionError) as error:
        raise _refusal(path, "is not a canonical manifest", "manifest") from error
    if parsed.get("format") != FORMAT_VERSION:
        raise _refusal(path, f"has an unknown format, known is {FORMAT_VERSION}", "unknown-format")
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        places = [".".join(map(str, item["loc"])) for item in error.errors()]
        raise _refusal(path, f"has wrong entries: {', '.join(places[:5])}", "manifest") from error


def _check_hash(folder: Path, manifest: Manifest, expected_hash: str | None) -> None:
    computed = _hash_of(manifest.model_dump(mode="json"))
    if computed != manifest.artifact_hash:
        raise _refusal(folder / MANIFEST_FILE, "was edited: its own hash differs", "changed-file")
    if expected_hash is not None and computed != expected_hash:
        found = f"artifact {computed[:12]} is not the registered {expected_hash[:12]}"
        raise _refusal(folder / MANIFEST_FILE, found, "other-artifact")


def _check_names(folder: Path, names: list[str], manifest: Manifest) -> None:
    for name in manifest.files:
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or "\\" in name or "\0" in name or {"..", "."} & set(parts):
            raise _refusal(folder / MANIFEST_FILE, "names a file outside the artifact", "outside-file")
    for name in sorted(manifest.files.keys() - set(names)):
        raise _refusal(folder / name, "is missing", "missing-file")
    for name in sorted(set(names) - manifest.files.keys()):
        raise _refusal(folder / name, "is not in the manifest", "extra-file")


def _check_libraries(folder: Path, manifest: Manifest) -> None:
    for name, wanted in sorted(manifest.libraries.items()):
        try:
            here = version(name)
        except PackageNotFoundError:
            here = ""
        if not here or _major(wanted) > _major(here):
            what = f"was made with {name} {wanted}, here is {here or 'none'}"
            remedy = f"install {name} of major version {_major(wanted)}, or train the model here"
            raise IntegrityError(what, where=str(folder), remedy=remedy, code="newer-library")


def _check_file(path: Path, entry: FileEntry) -> None:
    size = path.stat().st_size
    if size != entry.size:
        raise _refusal(path, f"has {size} bytes, the manifest says {entry.size}", "changed-file")
    if sha256_of(path) != entry.sha256:
        raise _refusal(path, "has another content than the manifest says", "changed-file")


def _entry(path: Path) -> dict[str, Any]:
    return {"sha256": sha256_of(path), "size": path.stat().st_size}


def _hash_of(content: Mapping[str, Any]) -> str:
    hashed = {key: value for key, value in content.items() if key != "artifact_hash"}
    return hashlib.sha256(canonical_json(hashed)).hexdigest()


def _major(release: str) -> int:
    return int(release.partition(".")[0])


def _refusal(where: Path | str, what: str, code: str) -> IntegrityError:
    return IntegrityError(what, where=str(where), remedy=REFIT, code=code)
