from .batch_import import import_ as import_
from .batches import (
    Manifest as Manifest,
    decide as decide,
    read_manifest as read_manifest,
    sign_manifest as sign_manifest,
    undo as undo,
    write_manifest as write_manifest,
)
from .contracts import (
    CONTRACTS as CONTRACTS,
    OUTCOMES as OUTCOMES,
    STORED_CONTRACTS as STORED_CONTRACTS,
    Column as Column,
    Contract as Contract,
    Kind as Kind,
    schema_of as schema_of,
    sql_type as sql_type,
)
from .distribution_findings import mass_reopenings as mass_reopenings
from .erasure import (
    customer_ids as customer_ids,
    customer_rows as customer_rows,
    erase_customers as erase_customers,
)
from .import_database import (
    literal_path as literal_path,
    parquet_relation as parquet_relation,
    relation as relation,
)
from .mapping_file import QUARANTINE_SUFFIX as QUARANTINE_SUFFIX, protected_words as protected_words
from .reopenings import (
    DAYS_APART as DAYS_APART,
    Reopening as Reopening,
    reopened_query as reopened_query,
    reopenings_query as reopenings_query,
)
from .report import ImportReport as ImportReport
from .signed_heads import check_heads as check_heads, save_head as save_head
from .snapshot import Tables as Tables
from .validation import validate as validate
