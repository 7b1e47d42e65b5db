"""A recommender in force as JSON: its model, rules and weights, from which another process opens the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from vipreco.policy import Policy
from vipreco.recommender.open_models import open_model
from vipreco.recommender.recommender import Recommender
from vipreco.settings import ArbitrationSettings


@dataclass(frozen=True)
class ModelInForce:
    """A model with the rules and weights of a project.

    Args:
        artifact: Folder of the model.
        artifact_hash: What it is.
        policy: Files of the rules.
        currency: Of the amounts in their texts.
        arbitration: Values, context, levers and slates.
    """

    artifact: str
    artifact_hash: str
    policy: Mapping[str, str]
    currency: str
    arbitration: Mapping[str, Any]

    @classmethod
    def of(cls, recommender: Recommender, artifact: Path, artifact_hash: str) -> Self:
        """Return what a recommender is, which was loaded from a folder."""
        policy = recommender.policy
        return cls(
            str(artifact.resolve()),
            artifact_hash,
            {name: content.decode() for name, content in policy.definition.items()},
            policy.currency,
            json.loads(recommender.settings.arbitration.model_dump_json()),
        )

    def opened(self, threads: int) -> Recommender:
        """Return the recommender.

        Raises:
            IntegrityError: The folder does not hold the model.
        """
        model = open_model(Path(self.artifact), self.artifact_hash, threads)
        definition = {name: text.encode() for name, text in self.policy.items()}
        settings = ArbitrationSettings.model_validate_json(json.dumps(self.arbitration))
        return model.with_policy(Policy.from_definition(definition, self.currency)).arbitrated(settings)
