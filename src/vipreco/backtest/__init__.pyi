from .calibration_parts import PartCalibration as PartCalibration
from .champion import (
    Champion as Champion,
    ChampionComparison as ChampionComparison,
    compare_with_champion as compare_with_champion,
)
from .changes import (
    ChangePlan as ChangePlan,
    ChangeResult as ChangeResult,
    backtest_changes as backtest_changes,
)
from .folds import RollingFold as RollingFold, rolling_folds as rolling_folds
from .limits import MAX_CUSTOMERS as MAX_CUSTOMERS
from .plots import save_figure as save_figure
from .replay import (
    SIMPLE_RULES as SIMPLE_RULES,
    BacktestResult as BacktestResult,
    backtest as backtest,
)
from .report import to_markdown as to_markdown
from .scored_customers import (
    CHAMPION as CHAMPION,
    OURS as OURS,
    BacktestPlan as BacktestPlan,
    ScoredCustomers as ScoredCustomers,
)
from .trials import Trial as Trial, customer_trials as customer_trials, rolling_trials as rolling_trials
