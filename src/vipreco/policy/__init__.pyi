from .columns import (
    CHANNELS as CHANNELS,
    NEVER_DAYS as NEVER_DAYS,
    Column as Column,
    Grain as Grain,
    Kind as Kind,
    column_table as column_table,
    nearest as nearest,
    window_of as window_of,
)
from .compiling import Compiled as Compiled
from .conditions import TRUE as TRUE, UNKNOWN as UNKNOWN, Atom as Atom, parse_condition as parse_condition
from .evaluation import truths as truths
from .facts import PolicyFacts as PolicyFacts
from .gathering import gather_facts as gather_facts, holding_pairs as holding_pairs
from .inspection import (
    NEVER_KNOWN as NEVER_KNOWN,
    STOPS_ALL as STOPS_ALL,
    blind_rules as blind_rules,
    inspect as inspect,
)
from .packfile import Stage as Stage
from .policy import ALLOWED as ALLOWED, PASSES as PASSES, Policy as Policy, applies as applies
from .telling import telling_values as telling_values
from .texts import Language as Language
