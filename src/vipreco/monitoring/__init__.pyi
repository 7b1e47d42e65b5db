from .bank_monitor import MonitoredBank as MonitoredBank, monitor as monitor
from .fact_files import FactFiles as FactFiles
from .finding_codes import CODES as CODES
from .findings import MonitoringFinding as MonitoringFinding, MonitoringResult as MonitoringResult
from .gauges import textfile_gauges as textfile_gauges
from .judgement import judge as judge
from .limits import MonitoringSettings as MonitoringSettings
from .monitoring_report import headline as headline, report_page as report_page
from .moves import shifts_between as shifts_between
from .snapshot_facts import (
    ColumnCounts as ColumnCounts,
    Matured as Matured,
    Rate as Rate,
    SnapshotFacts as SnapshotFacts,
)
from .sums import merge_facts as merge_facts
from .view_counts import count_view as count_view
