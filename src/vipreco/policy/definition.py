"""The files of a policy: packs that come with vipreco, and the bank's own."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Final

from vipreco.durable import canonical_json
from vipreco.errors import UsageError
from vipreco.policy.columns import nearest
from vipreco.settings import PolicySettings

SETTINGS_FILE: Final = "settings.json"
ENDING: Final = ".toml"


def read_definition(settings: PolicySettings, root: Path | None = None) -> dict[str, bytes]:
    """Return the content of all rule files by name, and the settings.

    Raises:
        UsageError: No such pack or file, or two files of one name.
    """
    files = {f"{name}{ENDING}": _pack(name) for name in settings.packs}
    for path in settings.files:
        name = Path(path).name
        if name in files or name == SETTINGS_FILE:
            raise UsageError("two rule files have the same name", where=path, code="policy-duplicate")
        files[name] = _read((root or Path()) / path)
    return {**files, SETTINGS_FILE: canonical_json(settings.model_dump(mode="json"))}


def file_names(settings: PolicySettings) -> tuple[str, ...]:
    """Return the names of the rule files, in the order in which they are asked."""
    return (*(f"{name}{ENDING}" for name in settings.packs), *(Path(path).name for path in settings.files))


def shipped_packs() -> tuple[str, ...]:
    """Return the names of the packs that come with vipreco."""
    folder = resources.files("vipreco.policy") / "packs"
    return tuple(
        sorted(item.name.removesuffix(ENDING) for item in folder.iterdir() if item.name.endswith(ENDING))
    )


def _pack(name: str) -> bytes:
    known = shipped_packs()
    if name not in known:
        raise UsageError(
            f"there is no rule pack {name}{nearest(name, known)}",
            where="policy.packs",
            remedy=f"packs: {', '.join(known)}; files of your own go into policy.files",
            code="policy-pack",
        )
    return (resources.files("vipreco.policy") / "packs" / f"{name}{ENDING}").read_bytes()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            "the rule file cannot be read", where=str(path), remedy="correct policy.files", code="unreadable"
        ) from error
