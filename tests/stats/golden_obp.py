"""Write what Open Bandit Pipeline (`obp` on PyPI, Apache-2.0) estimates, for `test_off_policy.py`.

    pip install --no-deps --target FOLDER "obp>=0.4.1,<1"
    PYTHONPATH=FOLDER python tests/stats/golden_obp.py

obp asks for torch and seaborn, which its estimators on numpy arrays do not use; where they are absent, empty
modules stand in for them. Everything else it needs is in the environment of the tests.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

GOLDEN = Path(__file__).with_name("obp.json")
SEEDS = (1, 2, 3)
UNUSED = ("torch", "seaborn")


@dataclass(frozen=True)
class Case:
    """A log, another policy, and some predictions of the reward."""

    action: np.ndarray[Any, Any]
    probability: np.ndarray[Any, Any]
    reward: np.ndarray[Any, Any]
    policy: np.ndarray[Any, Any]
    predicted: np.ndarray[Any, Any]


def case(seed: int, decisions: int = 1500, actions: int = 6) -> Case:
    """Draw a case; the reward is 0 or 1 for odd seeds and money for even ones."""
    random = np.random.default_rng(seed)
    logging = random.dirichlet(np.full(actions, 6.0), decisions)
    action = (random.random(decisions)[:, None] > logging.cumsum(axis=1)).sum(axis=1).clip(0, actions - 1)
    truth = random.random((decisions, actions)) * 0.3
    rows = np.arange(decisions)
    acquired = (random.random(decisions) < truth[rows, action]).astype(np.float64)
    reward = acquired if seed % 2 else acquired * random.lognormal(5, 1, decisions)
    policy = random.dirichlet(np.ones(actions), decisions)
    predicted = (truth + random.normal(0, 0.1, truth.shape)) * reward.mean() / 0.15
    return Case(action, logging[rows, action], reward, policy, predicted)


def estimates_of_obp(one: Case) -> dict[str, float]:
    """Return obp's estimates and the ends of its bootstrap intervals."""
    with _stand_ins():
        from obp.ope import (  # type: ignore[import-not-found]
            DoublyRobust,
            InverseProbabilityWeighting,
            SelfNormalizedInverseProbabilityWeighting,
        )
    given = {
        "reward": one.reward,
        "action": one.action,
        "pscore": one.probability,
        "action_dist": one.policy[:, :, None],
    }
    model = {"estimated_rewards_by_reg_model": one.predicted[:, :, None]}
    found = {"ips": float(InverseProbabilityWeighting().estimate_policy_value(**given))}
    for name, estimator, more in (
        ("snips", SelfNormalizedInverseProbabilityWeighting(), {}),
        ("dr", DoublyRobust(), model),
    ):
        ends = estimator.estimate_interval(
            **given, **more, alpha=0.05, n_bootstrap_samples=2000, random_state=7
        )
        found[name] = float(estimator.estimate_policy_value(**given, **more))
        found[f"{name}_low"] = float(ends["95.0% CI (lower)"])
        found[f"{name}_high"] = float(ends["95.0% CI (upper)"])
    return found


def obp_is_there() -> bool:
    return importlib.util.find_spec("obp") is not None


class _Empty(type):
    """Kind of a class of which every attribute is the class itself."""

    def __getattr__(cls, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return cls


class _Nothing(ModuleType):
    """A module in which every name is an empty class."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Empty(name, (), {})


class _StandIns:
    """Finds empty modules for what obp imports and its numpy estimators do not use."""

    def __init__(self, absent: tuple[str, ...]) -> None:
        self.absent = absent

    def find_spec(self, name: str, _path: object, _target: object = None) -> ModuleSpec | None:
        first = name.partition(".")[0]
        return ModuleSpec(name, self, is_package=True) if first in self.absent else None  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Nothing(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Leave the module empty."""


@contextmanager
def _stand_ins() -> Iterator[None]:
    """Let absent modules be found, and forget them afterwards."""
    absent = tuple(name for name in UNUSED if importlib.util.find_spec(name) is None)
    finder = _StandIns(absent)
    sys.meta_path.append(finder)  # type: ignore[arg-type]
    try:
        yield
    finally:
        sys.meta_path.remove(finder)  # type: ignore[arg-type]
        for name in [name for name in sys.modules if name.partition(".")[0] in absent]:
            del sys.modules[name]


if __name__ == "__main__":
    found = {str(seed): estimates_of_obp(case(seed)) for seed in SEEDS}
    GOLDEN.write_text(json.dumps(found, indent=2) + "\n")
