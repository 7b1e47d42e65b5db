"""The model of a release: under its rules and weights, with the features that it stored."""

from __future__ import annotations

import json

from vipreco.features import FeatureSet, StoredFeatureSet
from vipreco.online.offer_numbers import EFFECTS_LEARNT
from vipreco.online.release_reader import ReleaseReader
from vipreco.policy import Policy
from vipreco.recommender import Recommender
from vipreco.settings import ArbitrationSettings


def model_of_release(release: ReleaseReader, model: Recommender, currency: str) -> Recommender:
    """Return a model under the rules and weights of a release, with the features of its night."""
    former = {} if EFFECTS_LEARNT in release.manifest else {"order": "chance"}  # as it was built
    found = {**release.manifest["arbitration"], **former}
    settings = ArbitrationSettings.model_validate_json(json.dumps(found))
    policy = Policy.from_definition(release.policy_definition(), currency)
    recommender = model.with_policy(policy).arbitrated(settings)
    return recommender.with_features(_features(release, recommender))


def _features(release: ReleaseReader, recommender: Recommender) -> FeatureSet:
    """Return the features of a model, with the stored ones; a release of an older version has none."""
    stored = release.features()
    if stored is None:
        return recommender.features
    return StoredFeatureSet(recommender.features, recommender.vocabulary, recommender.product_ids, stored)
