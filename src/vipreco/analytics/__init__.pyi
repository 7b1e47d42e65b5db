from .analysis import TOPICS as TOPICS, Analysis as Analysis, analyse as analyse
from .answers import DIMENSIONS as DIMENSIONS, acceptance as acceptance
from .layout import as_document as as_document
from .plots import plot as plot
from .split_comparison import SplitOutcomes as SplitOutcomes, split_outcomes as split_outcomes
