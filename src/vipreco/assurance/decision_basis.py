"""Basis of decisions: rules, weights and settings that were in force, kept once by their hash."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field

from vipreco.durable import canonical_json, write_bytes
from vipreco.errors import UsageError
from vipreco.online import DaySettings
from vipreco.policy import Policy
from vipreco.recommender import Recommender
from vipreco.settings import ArbitrationSettings, CallListSettings, Section

FOLDER: Final = Path("data") / "decisions"
DIGITS: Final = 32


class DecisionBasis(Section):
    """All that decisions follow from, beside the model, the tables and the store.

    Attributes:
        rules: Files of the rules.
        arbitration: Values, effects, context and levers.
        reason_weights: Share of its weight that each marked template of reasons keeps.
        vip: VIP tiers.
        call_list: Settings of the call lists.
        currency: Code of the currency.
    """

    rules: dict[str, str]
    arbitration: ArbitrationSettings
    reason_weights: dict[str, float] = Field(default_factory=dict)
    vip: tuple[str, ...]
    call_list: CallListSettings
    currency: Annotated[str, Field(max_length=3)] = ""

    @classmethod
    def of(cls, recommender: Recommender, weights: Mapping[str, float], day_settings: DaySettings) -> Self:
        """Return the basis of a recommender with the rules and weights in force."""
        return cls(
            rules={name: text.decode() for name, text in recommender.policy.definition.items()},
            arbitration=recommender.settings.arbitration,
            reason_weights=dict(weights),
            vip=day_settings.vip,
            call_list=day_settings.settings,
            currency=day_settings.currency,
        )

    @property
    def content(self) -> bytes:
        """The basis as its file has it."""
        return canonical_json(self.model_dump(mode="json"))

    @property
    def name(self) -> str:
        """Beginning of the hash of the content, by which records of decisions name it."""
        return hashlib.sha256(self.content).hexdigest()[:DIGITS]

    @property
    def day_settings(self) -> DaySettings:
        """Settings of the call lists."""
        return DaySettings(self.vip, self.call_list, self.currency)

    def applied(self, recommender: Recommender) -> Recommender:
        """Return a model under these rules and weights."""
        files = {name: text.encode() for name, text in self.rules.items()}
        return recommender.with_policy(Policy.from_definition(files, self.currency)).arbitrated(
            self.arbitration
        )


def save_basis(root: Path, basis: DecisionBasis) -> str:
    """Keep a basis in a project, and return its name; one that is used again counts as new.

    Raises:
        ResourcesError: The disk is full: a list that could not be decided again must not be shown.
    """
    path = _path(root, basis.name)
    if path.exists():
        os.utime(path)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, basis.content)
    return basis.name


def read_basis(root: Path, name: str) -> DecisionBasis:
    """Return the basis of a name.

    Raises:
        UsageError: It is not in the project, or was changed.
    """
    try:
        found = DecisionBasis.model_validate_json(_path(root, name).read_bytes())
    except (OSError, ValueError) as error:
        raise _gone(name) from error
    if found.name != name:
        raise _gone(name)
    return found


def prune_bases(root: Path, before: float) -> int:
    """Remove the bases that no decision was made on since a moment (seconds), and return their number."""
    old = [path for path in (root / FOLDER).glob("basis-*.json") if path.stat().st_mtime < before]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _path(root: Path, name: str) -> Path:
    return root / FOLDER / f"basis-{name}.json"


def _gone(name: str) -> UsageError:
    return UsageError(
        f"the rules and weights {name} of that decision are not in this project any more",
        where=str(FOLDER),
        remedy="restore data/decisions from a backup; it is kept as long as decisions are",
        code="basis-gone",
    )
