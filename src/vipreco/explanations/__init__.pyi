from .cited_facts import check_facts as check_facts, cited_frame as cited_frame
from .explainer import Explainer as Explainer
from .explanation import (
    Decided as Decided,
    Explanation as Explanation,
    decide_one as decide_one,
    explained as explained,
)
from .facts import FactBook as FactBook
from .not_offered import (
    UnlockStep as UnlockStep,
    WhyNot as WhyNot,
    all_not_offered as all_not_offered,
)
from .offer_reasons import (
    OfferReasons as OfferReasons,
    reason_plan_of as reason_plan_of,
    reasons_of_offers as reasons_of_offers,
)
from .qualification import holds_true as holds_true
from .raw_facts import RawTables as RawTables
from .reason_catalog import (
    CO_HELD as CO_HELD,
    ReasonCatalog as ReasonCatalog,
    ReasonWords as ReasonWords,
)
from .reason_plan import plan_reasons as plan_reasons
from .sentences import Reason as Reason, Speaker as Speaker
from .talk_catalog import (
    CallWords as CallWords,
    FamilyWords as FamilyWords,
    TalkCatalog as TalkCatalog,
)
from .unlock_steps import unlock_groups as unlock_groups
