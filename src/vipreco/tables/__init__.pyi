from .contracts import (
    CONTRACTS as CONTRACTS,
    OUTCOMES as OUTCOMES,
    Column as Column,
    Kind as Kind,
    schema_of as schema_of,
)
from .importing import import_ as import_
from .mapping import QUARANTINE_SUFFIX as QUARANTINE_SUFFIX, protected_words as protected_words
from .report import ImportReport as ImportReport
from .stored import Tables as Tables
from .validation import validate as validate
from .workbench import relation as relation
