from .arms import in_control as in_control, salt_of as salt_of
from .example_file import example as example
from .folder import Campaigns as Campaigns
from .planning import Plan as Plan, plan as plan
from .reading import parse_campaign as parse_campaign, read_campaign as read_campaign
from .rechecking import offers_of as offers_of, recheck as recheck
from .report.opening import open_run as open_run
from .report.other import read_policy as read_policy
from .report.tables import document as document
from .report.writing import Report as Report, make_report as make_report
from .running import Bank as Bank, Order as Order, run as run
from .since import Since as Since
