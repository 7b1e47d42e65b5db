"""The recommender: fit, decide, explain, save, load."""

from vipreco.recommender.decisions import Decisions
from vipreco.recommender.fitting import Lesson
from vipreco.recommender.gathering import Panel
from vipreco.recommender.recommender import Recommender
from vipreco.recommender.settings import RecommenderSettings

__all__ = ["Decisions", "Lesson", "Panel", "Recommender", "RecommenderSettings"]
