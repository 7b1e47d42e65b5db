"""Features: SQL definitions with a dictionary, computed over an as-of view of the history."""

from vipreco.features.computed import ComputedFeatures, FeatureMatrix
from vipreco.features.dictionary import Prohibited
from vipreco.features.document import render_dictionary
from vipreco.features.feature_set import FeatureSet, read_prohibited
from vipreco.features.kept import KeptFeatures, Laid, lay_down
from vipreco.features.vocabulary import Vocabulary

__all__ = [
    "ComputedFeatures",
    "FeatureMatrix",
    "FeatureSet",
    "KeptFeatures",
    "Laid",
    "Prohibited",
    "Vocabulary",
    "lay_down",
    "read_prohibited",
    "render_dictionary",
]
