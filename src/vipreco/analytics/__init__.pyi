from .analysis import TOPICS as TOPICS, Analysis as Analysis, analyse as analyse
from .answers import DIMENSIONS as DIMENSIONS, acceptance as acceptance
from .plots import plot as plot
