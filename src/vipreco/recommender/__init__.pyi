from .changes import (
    ChangeGatherer as ChangeGatherer,
    change_dates as change_dates,
    labelled_dates as labelled_dates,
)
from .deciding import (
    DEFAULT_CHANNEL as DEFAULT_CHANNEL,
    Situation as Situation,
    decide as decide,
    in_columns as in_columns,
    situation as situation,
    slate_rules as slate_rules,
)
from .decisions import Decisions as Decisions, in_order as in_order
from .fitted import Fitted as Fitted
from .fitting import Lesson as Lesson, Step as Step, silent as silent
from .gathering import (
    Gatherer as Gatherer,
    Panel as Panel,
    could_acquire as could_acquire,
    is_in as is_in,
    kept_columns as kept_columns,
    label_matrix as label_matrix,
)
from .inspection import check_permitted as check_permitted
from .recommender import Recommender as Recommender
from .relations import Relations as Relations
from .settings import RecommenderSettings as RecommenderSettings
