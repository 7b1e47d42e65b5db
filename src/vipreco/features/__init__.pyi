from .computed import ComputedFeatures as ComputedFeatures, FeatureMatrix as FeatureMatrix
from .computed_once import ComputedOnce as ComputedOnce
from .dictionary import (
    PLACEHOLDER as PLACEHOLDER,
    Dictionary as Dictionary,
    Prohibited as Prohibited,
    parse_definition as parse_definition,
)
from .feature_set import FeatureSet as FeatureSet, read_prohibited as read_prohibited
from .plan import Columns as Columns, matching_columns as matching_columns
from .stored_features import (
    StoredFeatures as StoredFeatures,
    StoredFeatureSet as StoredFeatureSet,
    StoredRows as StoredRows,
    save_features as save_features,
)
from .stored_parts import StoredParts as StoredParts
from .vocabulary import LearntColumns as LearntColumns, Vocabulary as Vocabulary
