from .analysis import TOPICS as TOPICS, Analysis as Analysis, analyse as analyse
from .answers import DIMENSIONS as DIMENSIONS, acceptance as acceptance
from .layout import as_document as as_document
from .outcomes import (
    OUTCOME_DIMENSIONS as OUTCOME_DIMENSIONS,
    SELECTION as SELECTION,
    offer_outcomes as offer_outcomes,
)
from .plots import plot as plot
from .split_comparison import SplitOutcomes as SplitOutcomes, split_outcomes as split_outcomes
