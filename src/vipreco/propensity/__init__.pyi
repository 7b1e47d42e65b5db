from .acquisition import (
    AcquisitionModel as AcquisitionModel,
    CollaborativeFiltering as CollaborativeFiltering,
    FitContext as FitContext,
    ProductModel as ProductModel,
    prior_inputs as prior_inputs,
)
from .booster import Booster as Booster, Examples as Examples, Machine as Machine
from .calibration import Calibration as Calibration
from .holding_columns import HoldingColumns as HoldingColumns
from .hybrid import Hybrid as Hybrid
from .line_start import LineStart as LineStart
from .look_alikes import LookAlikes as LookAlikes
from .pair_prior import PairPrior as PairPrior, PairScores as PairScores, softmax as softmax
from .relationship import (
    ATTRITION as ATTRITION,
    ATTRITION_KINDS as ATTRITION_KINDS,
    CHANGES as CHANGES,
    CLOSURE as CLOSURE,
    DIP as DIP,
    OUTFLOW as OUTFLOW,
    RULES as RULES,
    TIER_UPGRADE as TIER_UPGRADE,
    USUAL as USUAL,
    ChangeModel as ChangeModel,
    ChangeRows as ChangeRows,
    RelationshipModel as RelationshipModel,
)
from .rows import LabelledRows as LabelledRows, stack as stack
from .settings import (
    BoosterSettings as BoosterSettings,
    PropensitySettings as PropensitySettings,
    RelationshipSettings as RelationshipSettings,
)
from .simple_rule import RuleComparison as RuleComparison
from .slim_lightgbm import lightgbm as lightgbm
from .unseen import unseen_chances as unseen_chances
