from .analysis import TOPICS as TOPICS, Analysis as Analysis, analyse as analyse
from .answer_model import LearntAnswers as LearntAnswers, learn_answers as learn_answers
from .answers import DIMENSIONS as DIMENSIONS, acceptance as acceptance
from .layout import as_document as as_document
from .outcomes import (
    CHOSEN as CHOSEN,
    OUTCOME_DIMENSIONS as OUTCOME_DIMENSIONS,
    SELECTION as SELECTION,
    offer_outcomes as offer_outcomes,
)
from .plots import plot as plot
from .split_comparison import SplitOutcomes as SplitOutcomes, split_outcomes as split_outcomes
