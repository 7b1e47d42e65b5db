from .learners import LEARNERS as LEARNERS, LearnerContext as LearnerContext, response as response
from .model import PairColumns as PairColumns, UpliftModel as UpliftModel, incremental as incremental
from .rows import RandomisedRows as RandomisedRows
from .settings import UpliftSettings as UpliftSettings
