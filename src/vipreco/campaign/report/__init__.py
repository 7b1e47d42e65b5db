"""The report of a campaign: what it changed, set against its control group, in words that can be sent on."""

from vipreco.campaign.report.opening import FinishedRun, open_run
from vipreco.campaign.report.other import read_policy
from vipreco.campaign.report.writing import Report, make_report

__all__ = ["FinishedRun", "Report", "make_report", "open_run", "read_policy"]
