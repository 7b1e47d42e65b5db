from .bank import Bank as Bank, Block as Block, CampaignContacts as CampaignContacts
from .forward.arms import ChooseContacts as ChooseContacts
from .forward.warm_bank import ForwardSpec as ForwardSpec, WarmBank as WarmBank, warm_start as warm_start
from .month_hazards import (
    MonthHazards as MonthHazards,
    hazards_of_month as hazards_of_month,
    logging_policy as logging_policy,
    true_chances as true_chances,
)
from .oracle.bench import Rim as Rim, bench_oracle as bench_oracle
from .oracle.plan import OraclePlan as OraclePlan
from .oracle.report import (
    TITLES as TITLES,
    as_json as as_json,
    share_table as share_table,
    write_report as write_report,
)
from .oracle.result import OracleResult as OracleResult
from .oracle.shares import Effort as Effort, Unit as Unit
from .parameters import (
    CHANNELS as CHANNELS,
    FIRST_VIP_TIER as FIRST_VIP_TIER,
    TIERS as TIERS,
    VIP_TIERS as VIP_TIERS,
    ContactParameters as ContactParameters,
    DriftParameters as DriftParameters,
    Parameters as Parameters,
)
from .simulation import simulate as simulate
