from .computed import ComputedFeatures as ComputedFeatures, FeatureMatrix as FeatureMatrix
from .computed_once import ComputedOnce as ComputedOnce
from .dictionary import (
    PLACEHOLDER as PLACEHOLDER,
    Dictionary as Dictionary,
    Prohibited as Prohibited,
    parse_definition as parse_definition,
)
from .feature_set import FeatureSet as FeatureSet, read_prohibited as read_prohibited
from .packed_features import (
    open_stored_features as open_stored_features,
    save_packed_features as save_packed_features,
)
from .plan import Columns as Columns, matching_columns as matching_columns
from .stored_features import (
    StoredFeatureSet as StoredFeatureSet,
    StoredRows as StoredRows,
    save_features as save_features,
)
from .stored_parts import StoredParts as StoredParts
from .vocabulary import LearntColumns as LearntColumns, Vocabulary as Vocabulary
