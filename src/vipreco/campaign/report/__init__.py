"""Report of a campaign: its effect against the control group, as a document that can be sent on."""

from vipreco.campaign.report.finished_run import FinishedRun, open_run
from vipreco.campaign.report.other_policy import read_policy
from vipreco.campaign.report.outcomes import OutcomeSources
from vipreco.campaign.report.report_forms import Report, make_report

__all__ = ["FinishedRun", "OutcomeSources", "Report", "make_report", "open_run", "read_policy"]
