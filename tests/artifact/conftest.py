from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import lightgbm
import numpy as np
import pytest

from vipreco.artifact import saving, write_golden, write_manifest
from vipreco.artifact.arrays import write_array

FACTS = {"snapshot_id": "00112233", "feature_fingerprint": "aabbccdd", "as_of_date": "2015-05-28"}

# A stand-in for the recommender's loader, found by the child through PYTHONPATH.
LOADERS = """
import os, signal, time
import numpy as np

def booster(folder):
    import lightgbm
    model = lightgbm.Booster(model_file=str(folder / "booster.txt"))
    return lambda values: model.predict(values, num_threads=1)

def product(folder):
    factors = np.load(folder / "factors" / "products.npy", allow_pickle=False)
    return lambda values: values @ factors

def noisy(folder):
    print("a library talks")
    os.write(1, b"from C as well")
    return product(folder)

def segfault(folder):
    os.kill(os.getpid(), signal.SIGSEGV)

def leave(folder):
    os._exit(3)

def hang(folder):
    time.sleep(60)

def fail(folder):
    raise RuntimeError("customer 4711 is in this text")

def hungry(folder):
    return np.zeros(1 << 36)
"""


@pytest.fixture(scope="session")
def model_text() -> str:
    """A real, small LightGBM model."""
    generator = np.random.default_rng(7)
    values = generator.normal(size=(400, 5)).astype(np.float32)
    labels = (values[:, 0] + 0.3 * values[:, 1] > 0).astype(np.float32)
    parameters = {"objective": "binary", "num_leaves": 7, "verbose": -1, "num_threads": 1, "seed": 7}
    text: str = lightgbm.train(parameters, lightgbm.Dataset(values, labels), 8).model_to_string()
    return text


@pytest.fixture
def write_artifact(tmp_path: Path, model_text: str) -> Callable[..., Path]:
    """Save a complete small artifact under a name, and return its folder."""

    def write(name: str = "model", scorer: str = "product") -> Path:
        generator = np.random.default_rng(1)
        values = generator.normal(size=(50, 5)).astype(np.float32)
        factors = generator.normal(size=(5, 3))
        model = lightgbm.Booster(model_str=model_text)
        scores = values @ factors if scorer == "product" else model.predict(values, num_threads=1)
        with saving(tmp_path / name) as folder:
            (folder / "booster.txt").write_text(model_text)
            (folder / "features").mkdir()
            (folder / "features" / "holdings.sql").write_text("SELECT 1")
            write_array(folder / "factors" / "products.npy", factors)
            write_golden(folder, values, np.asarray(scores))
            write_manifest(folder, FACTS)
        return tmp_path / name

    return write


@pytest.fixture
def artifact(write_artifact: Callable[..., Path]) -> Path:
    return write_artifact()


@pytest.fixture
def loaders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name of a module with loaders that a child process can import."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "trial_loaders.py").write_text(LOADERS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "code"))
    return "trial_loaders"
