"""Recipes that tuning writes: the recipe of before, with its comments, and other values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit

from vipreco.durable import write_bytes


def write_recipe(base: Path, target: Path, settings: Mapping[str, Any]) -> Path:
    """Write a recipe file with other values of some settings, and return it.

    Args:
        base: The recipe file of before.
        target: The new one; its name becomes the name of the recipe.
        settings: Values by the way to the setting, such as `recommender.source`.
    """
    document = tomlkit.parse(base.read_text("utf-8"))
    document["name"] = target.stem
    for name, value in settings.items():
        *sections, last = name.split(".")
        inner: Any = document
        for section in sections:
            inner = inner.setdefault(section, tomlkit.table())
        inner[last] = value
    write_bytes(target, tomlkit.dumps(document).encode(), mode=0o644)
    return target
