"""A project: the folder marked by `vipreco.toml`, its settings, and the rim folders beside it."""

from __future__ import annotations

import difflib
import importlib
import json
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import TypeVar
from urllib.parse import quote, unquote

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from vipreco.errors import MAX_EXAMPLES, UsageError
from vipreco.settings import Settings
from vipreco.signatures import Signatures

PROJECT_FILE = "vipreco.toml"
SQLITE = "sqlite:///"
EXTRAS = {"cluster": "spark"}  # of a rim whose packages have an extra of another name
UNKNOWN = "extra_forbidden"  # pydantic's name of a setting that there is not
IN_URL = {ord(mark): quote(mark) for mark in "%?#"}

Model = TypeVar("Model", bound=BaseModel)


class Project:
    """Project folder with its settings and all paths that commands use."""

    def __init__(self, root: Path, settings: Settings) -> None:
        self.root = root
        self.settings = settings

    @classmethod
    def find(cls, start: Path | None = None) -> Project:
        """Look upwards from `start` (default: the current folder) for `vipreco.toml` and read it.

        Raises:
            UsageError: No such file, or a setting in it is wrong.
        """
        start = (start or Path.cwd()).resolve()
        for folder in (start, *start.parents):
            if (folder / PROJECT_FILE).is_file():
                return cls(folder, read_settings(folder / PROJECT_FILE))
        raise UsageError(
            f"no {PROJECT_FILE} here or in a folder above",
            where=str(start),
            remedy="make a project with `vipreco new DIR` and run the command inside it",
            code="no-project",
        )

    @property
    def seed(self) -> int:
        """The one seed that everything random derives from."""
        return self.settings.project.seed

    @property
    def threads(self) -> int:
        """Number of threads that every fit and scoring uses."""
        return self.settings.project.threads

    @property
    def tables(self) -> Path:
        """Folder of the imported tables."""
        return self.root / self.settings.project.tables

    @property
    def artifacts(self) -> Path:
        """Folder of the fitted recommenders."""
        return self.root / self.settings.project.artifacts

    @property
    def signatures(self) -> Signatures:
        """Signs with the key of this machine, and checks against the keys that the bank trusts."""
        chosen = self.settings.signatures
        return Signatures(self.root / chosen.key_file, chosen.trusted, chosen.revoked, chosen.required)

    @property
    def features(self) -> Path:
        """Folder of the feature definitions."""
        return self.root / "features"

    @property
    def tracking_uri(self) -> str:
        """Address of the MLflow tracking store; a relative SQLite file is meant from the project's root."""
        return self._from_root(self.settings.project.tracking)

    @property
    def store_url(self) -> str:
        """Address of the operational store; a relative SQLite file is meant from the project's root."""
        return self._from_root(self.settings.project.store)

    def _from_root(self, uri: str) -> str:
        if uri.startswith(SQLITE) and not uri.startswith(SQLITE + "/"):
            return f"{sqlite_url(self.root)}/{uri.removeprefix(SQLITE)}"
        return uri

    def import_rim(self, module: str) -> ModuleType:
        """Import a module of the project's own rim, such as `training.flow`.

        The core never imports a rim by name; this is the one place, and the project's folder decides.

        Raises:
            UsageError: The module, or an optional package that it needs, is not installed.
        """
        rim = module.partition(".")[0]
        if str(self.root) not in sys.path:
            sys.path.insert(0, str(self.root))
        try:
            return importlib.import_module(module)
        except ModuleNotFoundError as error:
            raise UsageError(
                f"{module} needs the Python module {error.name}, which is not here",
                where=str(self.root),
                remedy=f"install it with `pip install 'vipreco[{EXTRAS.get(rim, rim)}]'`; "
                "`vipreco upgrade` adds folders that an older project lacks",
                code="missing-module",
            ) from error


def sqlite_url(path: Path) -> str:
    """Return the address of an SQLite file: what has a meaning in a URL, such as `?` and `%`, is quoted."""
    return SQLITE + str(path).translate(IN_URL)


def sqlite_file(url: str) -> Path | None:
    """Return the file of an SQLite address; None for any other database."""
    return Path(unquote(url.removeprefix(SQLITE).partition("?")[0])) if url.startswith(SQLITE) else None


def read_settings(path: Path) -> Settings:
    """Read and check a `vipreco.toml`.

    Raises:
        UsageError: Not TOML, an unknown key, or a wrong type; all findings are listed.
    """
    return parse_toml(path, Settings)


def parse_toml(path: Path, model: type[Model]) -> Model:
    """Read the TOML file at `path` into a checked `model`.

    Raises:
        UsageError: Unreadable, not TOML, an unknown key (with the nearest known one), or a wrong type.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(path), code="unreadable") from error
    return parse_content(content, model, str(path))


def parse_content(content: bytes, model: type[Model], where: str) -> Model:
    """Read the bytes of a TOML file into a checked `model`; `where` names it in the errors.

    Raises:
        UsageError: As `parse_toml`.
    """
    try:
        parsed = tomllib.loads(content.decode("utf-8"))
        settings = json.dumps(parsed, default=str)
    except UnicodeDecodeError as error:
        raise UsageError(f"cannot be read: {error}", where=where, code="unreadable") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"is not valid TOML: {error}", where=where, code="syntax") from error
    except ValueError as error:  # Python reads and writes no number of more than 4,300 digits
        raise UsageError("holds a number of too many digits", where=where, code="syntax") from error
    try:
        return model.model_validate_json(settings)
    except ValidationError as error:
        found = _findings(error, model)
        raise UsageError(
            f"{len(found)} setting(s) are wrong",
            where=where,
            remedy="correct these settings; nothing was done",
            code="settings",
            examples=found,
        ) from error


def _findings(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """Return what is wrong, without what only follows from something else that is wrong."""
    items = error.errors()
    found = [item for item in items if not _follows(item, items)]
    known = _known_keys(model) if any(item["type"] == UNKNOWN for item in found) else set()
    shown = [_finding(item, known) for item in found[:MAX_EXAMPLES]]
    return shown + [_finding(item, set()) for item in found[MAX_EXAMPLES:]]  # thousands, in a hostile file


def _follows(item: ErrorDetails, items: list[ErrorDetails]) -> bool:
    # a value that may also be a plain text is told not to be one, and a list of wrong entries to be too short
    if item["type"] == "string_type" and item["loc"][-1:] == ("str",):
        return any(
            one["loc"][:-1][: len(item["loc"]) - 1] == item["loc"][:-1] for one in items if one is not item
        )
    return item["type"] == "too_short" and any(
        one["loc"][: len(item["loc"])] == item["loc"] for one in items if len(one["loc"]) > len(item["loc"])
    )


def _finding(item: ErrorDetails, known: set[str]) -> str:
    parts = [str(part) for part in item["loc"]]
    place = ".".join(part for part in parts if part != "str" and not part.startswith("function-"))
    if item["type"] != UNKNOWN:
        return f"{place}: {item['msg'].removeprefix('Value error, ')}"
    near = difflib.get_close_matches(str(item["loc"][-1]), known, n=1)
    return f"{place}: unknown setting" + (f", did you mean {near[0]}?" if near else "")


def _known_keys(model: type[BaseModel]) -> set[str]:
    schema = model.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    return {key for part in parts for key in part.get("properties", {})}
