from .changes import (
    ChangePlan as ChangePlan,
    ChangeResult as ChangeResult,
    backtest_changes as backtest_changes,
)
from .folds import RollingFold as RollingFold, rolling_folds as rolling_folds
from .plots import save_figure as save_figure
from .replay import BacktestPlan as BacktestPlan, BacktestResult as BacktestResult, backtest as backtest
from .report import to_markdown as to_markdown
from .trials import Trial as Trial, customer_trials as customer_trials, rolling_trials as rolling_trials
