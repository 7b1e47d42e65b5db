from .boundaries import boundary_values as boundary_values
from .collected_facts import (
    OWN_PREFIX as OWN_PREFIX,
    gather_facts as gather_facts,
    holding_pairs as holding_pairs,
)
from .columns import (
    ASSESSMENT_AGES as ASSESSMENT_AGES,
    CHANNELS as CHANNELS,
    NEVER_DAYS as NEVER_DAYS,
    Grain as Grain,
    Kind as Kind,
    PolicyColumn as PolicyColumn,
    column_table as column_table,
    nearest as nearest,
    window_of as window_of,
)
from .comparison import (
    Change as Change,
    FieldChange as FieldChange,
    RuleChange as RuleChange,
    compare_policies as compare_policies,
)
from .compiled_rules import Compiled as Compiled
from .conditions import TRUE as TRUE, UNKNOWN as UNKNOWN, Atom as Atom, parse_condition as parse_condition
from .evaluation import truths as truths
from .facts import PolicyFacts as PolicyFacts
from .inspection import (
    NEVER_KNOWN as NEVER_KNOWN,
    STOPS_ALL as STOPS_ALL,
    blind_rules as blind_rules,
    inspect as inspect,
)
from .packfile import Stage as Stage
from .policy import ALLOWED as ALLOWED, PASSES as PASSES, Policy as Policy, applies as applies
from .texts import Language as Language
