from .bootstrap import (
    LEVEL as LEVEL,
    RESAMPLES as RESAMPLES,
    bootstrap_mean as bootstrap_mean,
    bootstrap_ratio as bootstrap_ratio,
    paired_difference as paired_difference,
)
from .calibration import (
    auc as auc,
    brier as brier,
    calibration_by_product as calibration_by_product,
    calibration_summary as calibration_summary,
    expected_calibration_error as expected_calibration_error,
    log_loss as log_loss,
    recalibration as recalibration,
    reliability_table as reliability_table,
)
from .comparison import (
    FEWEST_ACQUISITIONS as FEWEST_ACQUISITIONS,
    FEWEST_CUSTOMERS as FEWEST_CUSTOMERS,
    Compared as Compared,
    by_group as by_group,
    compare as compare,
)
from .estimate import Estimate as Estimate, percentiles as percentiles
from .forecasts import Promises as Promises, promises as promises
from .list_metrics import (
    Flags as Flags,
    Floats as Floats,
    PerCustomer as PerCustomer,
    average_precision as average_precision,
    coverage as coverage,
    hit as hit,
    listed as listed,
    ndcg as ndcg,
    novel as novel,
    precision as precision,
    ranking_metrics as ranking_metrics,
    reacquired as reacquired,
    recall as recall,
    relevant_ranks as relevant_ranks,
)
from .means import difference_of_means as difference_of_means
from .policy_evaluation import Logged as Logged, OffPolicy as OffPolicy, off_policy as off_policy
from .power import needed as needed, power_of as power_of
from .qini import auuc as auuc, qini_coefficient as qini_coefficient, qini_curve as qini_curve
from .rates import Counts as Counts, p_values as p_values
from .top_rate import lift_table as lift_table
from .weighted import Ranking as Ranking, resampled_weights as resampled_weights
