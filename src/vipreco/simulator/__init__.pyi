from .bank import Bank as Bank, Block as Block
from .eve import Eve as Eve, logging_policy as logging_policy, on_the_eve as on_the_eve, truth_of as truth_of
from .forward.arms import ChooseContacts as ChooseContacts
from .forward.practice import ForwardSpec as ForwardSpec, PracticeBank as PracticeBank, practise as practise
from .oracle.plan import OraclePlan as OraclePlan
from .oracle.report import (
    TITLES as TITLES,
    as_json as as_json,
    share_table as share_table,
    write_report as write_report,
)
from .oracle.result import OracleResult as OracleResult
from .oracle.running import Rim as Rim, bench_oracle as bench_oracle
from .oracle.shares import Effort as Effort, Unit as Unit
from .parameters import (
    CHANNELS as CHANNELS,
    FIRST_VIP_TIER as FIRST_VIP_TIER,
    TIERS as TIERS,
    VIP_TIERS as VIP_TIERS,
)
from .simulation import simulate as simulate
