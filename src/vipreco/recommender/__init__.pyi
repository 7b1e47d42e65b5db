from .attrition_calls import KeepEffect as KeepEffect, keep_effects as keep_effects
from .changes import (
    ChangeGatherer as ChangeGatherer,
    change_dates as change_dates,
    labelled_dates as labelled_dates,
)
from .decision_stages import (
    DEFAULT_CHANNEL as DEFAULT_CHANNEL,
    DecisionContext as DecisionContext,
    in_columns as in_columns,
)
from .decisions import Decisions as Decisions, in_order as in_order
from .fit_stages import Step as Step, TrainingData as TrainingData, silent as silent
from .holding_states import HoldingFlags as HoldingFlags, newest_holdings as newest_holdings
from .importance import importance_by_family as importance_by_family
from .inspection import check_permitted as check_permitted
from .label_arrays import (
    could_acquire as could_acquire,
    is_in as is_in,
    kept_columns as kept_columns,
    label_matrix as label_matrix,
)
from .labelled_rows import Gatherer as Gatherer
from .model_in_force import ModelInForce as ModelInForce
from .model_split import (
    CHALLENGER_SIDE as CHALLENGER_SIDE,
    CHAMPION_SIDE as CHAMPION_SIDE,
    SIDE as SIDE,
    SIDES as SIDES,
    ModelSplit as ModelSplit,
)
from .newest_columns import NewestColumns as NewestColumns, customer_columns as customer_columns
from .open_models import open_model as open_model
from .panels import Arrays as Arrays, Panel as Panel, PanelParts as PanelParts, Window as Window
from .product_evidence import ProductEvidence as ProductEvidence
from .recommender import Recommender as Recommender
from .relations import Relations as Relations
from .row_order import RowOrder as RowOrder
from .settings import RecommenderSettings as RecommenderSettings
from .storage import WARNINGS as WARNINGS, read_policy as read_policy
