from .book import BookLine as BookLine, book_overview as book_overview, promises as promises
from .branch_list_parts import (
    ListRequest as ListRequest,
    branch_list_in_parts as branch_list_in_parts,
)
from .branch_lists import BranchList as BranchList, branch_list as branch_list
from .call_columns import BLOCKED as BLOCKED, PLACE as PLACE
from .call_lists import call_list as call_list, matching_calls as matching_calls
from .chances import chance_text as chance_text, evidence_text as evidence_text
from .day import CHANNEL as CHANNEL, Day as Day, customer_day as customer_day, plan_day as plan_day
from .facts import FOLLOWS_UP as FOLLOWS_UP, SETTLED as SETTLED, TALKS as TALKS
from .levers import lever_table as lever_table, sensitivity as sensitivity
from .list_documents import (
    basis_text as basis_text,
    book_document as book_document,
    call_list_document as call_list_document,
    full_name as full_name,
    no_currency_text as no_currency_text,
    person_texts as person_texts,
    sheet_document as sheet_document,
)
from .manager_book import (
    NO_HAND_OVERS as NO_HAND_OVERS,
    ManagerBook as ManagerBook,
    Moved as Moved,
    holders as holders,
)
from .offer_parts import (
    OFFER_JOB as OFFER_JOB,
    OfferRequest as OfferRequest,
    offers_in_parts as offers_in_parts,
)
from .offers import (
    MAX_STALENESS as MAX_STALENESS,
    Audience as Audience,
    explanation_table as explanation_table,
    offer_list as offer_list,
    read_customers as read_customers,
    reasoned_offers as reasoned_offers,
    sampled as sampled,
    view_at as view_at,
)
from .ordered_parts import OrderedParts as OrderedParts
from .policy_price import price as price
from .presentation import (
    CallLine as CallLine,
    CallList as CallList,
    CustomerSheet as CustomerSheet,
    OfferLine as OfferLine,
    Person as Person,
    ReasonCount as ReasonCount,
)
from .sheet_texts import (
    profile_texts as profile_texts,
    sheet_basis_text as sheet_basis_text,
    suitability_texts as suitability_texts,
    talk_texts as talk_texts,
)
from .sheets import customer_sheet as customer_sheet
from .texts import Texts as Texts, Wording as Wording, read_texts as read_texts
from .workdays import ALWAYS as ALWAYS, Availability as Availability, working_days as working_days
