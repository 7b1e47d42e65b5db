"""Scripts of the experiments as modules: they lie in folders that no import reaches."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

EXPERIMENTS = Path(__file__).resolve().parents[2] / "experiments"


def script(place: str, name: str) -> ModuleType:
    """Return the script at a place below `experiments` as the module of a name."""
    found = importlib.util.spec_from_file_location(name, EXPERIMENTS / place)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    found.loader.exec_module(module)
    return module
