from .branch_lists import BranchList as BranchList, branch_list as branch_list
from .call_plan import BLOCKED as BLOCKED, KIND as KIND, MINUTES as MINUTES, PLACE as PLACE, WORTH as WORTH
from .day import (
    CHANNEL as CHANNEL,
    Day as Day,
    Telling as Telling,
    Told as Told,
    customer_day as customer_day,
    plan_day as plan_day,
    told as told,
)
from .levers import lever_table as lever_table, sensitivity as sensitivity
from .lines import (
    Row as Row,
    avoid_text as avoid_text,
    caution as caution,
    last_contact as last_contact,
    why_now as why_now,
)
from .list_documents import (
    MOST_LATER as MOST_LATER,
    blocked_part as blocked_part,
    call_list_document as call_list_document,
    idle_part as idle_part,
)
from .offers import (
    MAX_STALENESS as MAX_STALENESS,
    Audience as Audience,
    check_book as check_book,
    customer_sheet as customer_sheet,
    offer_list as offer_list,
    read_customers as read_customers,
    reasoned_offers as reasoned_offers,
    sampled as sampled,
    view_at as view_at,
)
from .policy_price import price as price
from .sheet import sheet_document as sheet_document, to_next_tier as to_next_tier
from .texts import Wording as Wording, read_texts as read_texts
