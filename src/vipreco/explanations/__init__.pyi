from .catalogue import Catalogue as Catalogue
from .checking import check_facts as check_facts, cited_frame as cited_frame
from .choosing import Chances as Chances, Listed as Listed, choose as choose
from .evidence import HELD_BEFORE as HELD_BEFORE, NO_HOLDING as NO_HOLDING, offer_evidence as offer_evidence
from .explainer import Explainer as Explainer
from .explanation import (
    Decided as Decided,
    Explanation as Explanation,
    decide_one as decide_one,
    explained as explained,
)
from .facts import FactBook as FactBook
from .not_offered import WhyNot as WhyNot, why_not as why_not
from .offer_reasons import (
    Told as Told,
    blank_of as blank_of,
    plan_of as plan_of,
    reasons_for as reasons_for,
    spoken as spoken,
    told_for as told_for,
)
from .plan import plan_reasons as plan_reasons
from .raw_facts import RawTables as RawTables
from .sentences import Reason as Reason, Speaker as Speaker
