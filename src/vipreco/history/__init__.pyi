from .asof import AsOf as AsOf
from .calendar import add_months as add_months, window as window
from .contract import CONTRACTS as CONTRACTS, VIEWS as VIEWS
from .guard import check_query as check_query
from .history import History as History
from .labels import Labels as Labels
from .records import Records as Records, together as together
from .relationship import RelationshipLabels as RelationshipLabels
from .scramble import Mode as Mode, scrambled_future as scrambled_future
from .sources import quoted as quoted, text as text
from .standing import Standing as Standing, rows_of as rows_of
