from .computed import ComputedFeatures as ComputedFeatures, FeatureMatrix as FeatureMatrix
from .dictionary import (
    PLACEHOLDER as PLACEHOLDER,
    Dictionary as Dictionary,
    Prohibited as Prohibited,
    parse_definition as parse_definition,
)
from .feature_set import FeatureSet as FeatureSet, read_prohibited as read_prohibited
from .kept import KeptFeatures as KeptFeatures, Laid as Laid, lay_down as lay_down
from .plan import Columns as Columns, matching_columns as matching_columns
from .vocabulary import Vocabulary as Vocabulary
