from .arrays import Flags as Flags, Floats as Floats
from .bootstrap import (
    RESAMPLES as RESAMPLES,
    bootstrap_mean as bootstrap_mean,
    clustered_mean as clustered_mean,
    paired_difference as paired_difference,
    resampled_column_means as resampled_column_means,
    resampled_counts as resampled_counts,
)
from .calibration import (
    Recalibration as Recalibration,
    auc as auc,
    brier as brier,
    calibration_by_product as calibration_by_product,
    calibration_summary as calibration_summary,
    log_loss as log_loss,
    ratio_interval as ratio_interval,
    recalibration as recalibration,
    recalibration_to_rates as recalibration_to_rates,
    reliability_table as reliability_table,
    slope_interval as slope_interval,
)
from .code_counts import (
    BINS_A_UNIT as BINS_A_UNIT,
    ZERO as ZERO,
    CaseCounts as CaseCounts,
    auc_within as auc_within,
    hanley_mcneil as hanley_mcneil,
    number_codes as number_codes,
)
from .comparison import (
    MIN_ACQUISITIONS as MIN_ACQUISITIONS,
    MIN_CUSTOMERS as MIN_CUSTOMERS,
    Comparison as Comparison,
    by_group as by_group,
    compare as compare,
)
from .deciles import rate_by_decile as rate_by_decile
from .estimate import (
    NO_RESAMPLES as NO_RESAMPLES,
    Estimate as Estimate,
    percentiles as percentiles,
)
from .forecasts import ForecastComparison as ForecastComparison, compare_forecast as compare_forecast
from .group_fairness import (
    MEASURES as MEASURES,
    OF_ALIKE as OF_ALIKE,
    GroupDifference as GroupDifference,
    JudgedCustomers as JudgedCustomers,
    group_differences as group_differences,
    with_discovery_rates as with_discovery_rates,
)
from .level import LEVEL as LEVEL, NORMAL_95 as NORMAL_95
from .list_metrics import (
    PerCustomer as PerCustomer,
    RelevantRanks as RelevantRanks,
    acquired_ranks as acquired_ranks,
    average_precision as average_precision,
    coverage as coverage,
    listed as listed,
    novel as novel,
    ranking_metrics as ranking_metrics,
    reacquired as reacquired,
    relevant_ranks as relevant_ranks,
)
from .logistic import expit as expit, logit as logit
from .means import (
    difference_of_means as difference_of_means,
    mean_limits as mean_limits,
    weighted_difference as weighted_difference,
)
from .policy_evaluation import (
    LoggedDecisions as LoggedDecisions,
    OffPolicyEstimate as OffPolicyEstimate,
    off_policy as off_policy,
)
from .power import customers_needed as customers_needed, detection_power as detection_power
from .qini import auuc as auuc, qini_coefficient as qini_coefficient, qini_curve as qini_curve
from .rates import (
    ArmCounts as ArmCounts,
    average_poisson_limits as average_poisson_limits,
    difference_of_rates as difference_of_rates,
    p_value_of_count as p_value_of_count,
    p_values as p_values,
    poisson_limits as poisson_limits,
    rate_interval as rate_interval,
)
from .shifts import (
    Shift as Shift,
    category_shift as category_shift,
    false_discovery as false_discovery,
    ordered_shift as ordered_shift,
    rate_shift as rate_shift,
)
from .totals import totals_of_chances as totals_of_chances
from .uplift_orders import HeldOut as HeldOut, JudgedOrder as JudgedOrder, judge_orders as judge_orders
from .weighted_rank import Ranking as Ranking
