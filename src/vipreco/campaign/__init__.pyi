from .arms import in_control as in_control
from .bank import Bank as Bank, Challenger as Challenger
from .campaign_file import parse_campaign as parse_campaign, read_campaign as read_campaign
from .campaign_parts import BankParts as BankParts
from .campaign_plan import CampaignPlan as CampaignPlan, plan as plan
from .campaign_run import (
    ASSIGNMENTS as ASSIGNMENTS,
    PRODUCTS_OFF as PRODUCTS_OFF,
    SEQUENCE as SEQUENCE,
    RunOptions as RunOptions,
    RunResult as RunResult,
    assignments as assignments,
    run as run,
)
from .definition import Campaign as Campaign
from .erasure import campaign_rows as campaign_rows, erase_from_campaigns as erase_from_campaigns
from .example_file import example as example
from .folder import CampaignFolder as CampaignFolder, lists_of as lists_of
from .hour_prices import manager_hours as manager_hours, newest_with_hours as newest_with_hours
from .offer_log import logged_offers as logged_offers, outcome_contacts as outcome_contacts
from .plan_comparison import compare_plans as compare_plans
from .report.finished_run import open_run as open_run
from .report.other_policy import read_policy as read_policy
from .report.outcomes import OutcomeSources as OutcomeSources
from .report.report_forms import Report as Report, make_report as make_report
from .report.tables import document as document
from .store_changes import StoreChanges as StoreChanges
from .withdrawals import offers_of as offers_of, recheck as recheck
