from .co_holdings import CoHeld as CoHeld, CoHoldings as CoHoldings
from .linear import ItemItemCosine as ItemItemCosine
from .reasons import strongest_holdings as strongest_holdings
from .source import Contributing as Contributing, Source as Source
from .sources import SOURCES as SOURCES
from .state import (
    UNKNOWN_SEGMENT as UNKNOWN_SEGMENT,
    HoldingState as HoldingState,
    customer_ids as customer_ids,
    holding_state as holding_state,
    segment_values as segment_values,
)
