from .engine import (
    Engine as Engine,
    Progress as Progress,
    Results as Results,
    no_progress as no_progress,
)
from .local import LocalEngine as LocalEngine, thread_variables as thread_variables
from .parted_bank import (
    PartedBank as PartedBank,
    part_input as part_input,
    shared_folder as shared_folder,
)
from .plan import Plan as Plan, planned as planned
from .project_engine import (
    open_engine as open_engine,
    plan_of as plan_of,
    spread_engine as spread_engine,
    storage_address as storage_address,
)
from .task import (
    RECEIPT as RECEIPT,
    Receipt as Receipt,
    Spec as Spec,
    Task as Task,
    TaskContext as TaskContext,
    receipt_of as receipt_of,
    run_text as run_text,
    text_of as text_of,
)
