from .as_of_view import AsOfView as AsOfView
from .bank_calendar import BankCalendar as BankCalendar
from .calendar import add_months as add_months, label_windows as label_windows, window as window
from .contract import CONTRACTS as CONTRACTS, VIEWS as VIEWS
from .history import History as History, PartOfBank as PartOfBank
from .known_rows import known_at as known_at
from .labels import Labels as Labels
from .query_check import check_query as check_query, named_columns as named_columns
from .record_parts import RecordParts as RecordParts
from .records import Records as Records, appended as appended, stretch_indices as stretch_indices
from .relationship import RelationshipLabels as RelationshipLabels
from .reusable_database import ReusableDatabase as ReusableDatabase
from .reusable_view import ReusableView as ReusableView, rows_of as rows_of
from .scramble import Mode as Mode, scrambled_future as scrambled_future
from .sources import quoted as quoted, text as text
from .view import View as View
