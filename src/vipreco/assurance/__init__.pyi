from .answer_replay import AnswerReplay as AnswerReplay, replay_answer as replay_answer
from .decision_basis import (
    DecisionBasis as DecisionBasis,
    prune_bases as prune_bases,
    read_basis as read_basis,
    save_basis as save_basis,
)
from .decision_replay import ReplayInputs as ReplayInputs, replay as replay
from .fact_check import ReasonCheck as ReasonCheck, check_reasons as check_reasons
from .fairness_check import (
    DIFFERS as DIFFERS,
    FairnessReport as FairnessReport,
    FairnessRow as FairnessRow,
    GroupOutcomes as GroupOutcomes,
    check_fairness as check_fairness,
    compare_groups as compare_groups,
)
from .fairness_settings import FairnessSettings as FairnessSettings
from .forbidden_words import (
    PROMISES as PROMISES,
    promises as promises,
    said_texts as said_texts,
)
from .label_leaks import (
    LabelLeak as LabelLeak,
    LeakSettings as LeakSettings,
    find_label_leaks as find_label_leaks,
)
from .leak_check import LeakBank as LeakBank, LeakReport as LeakReport, leakcheck as leakcheck
from .list_audit import audit_alone as audit_alone, audit_listed as audit_listed, sampled_view as sampled_view
from .list_record import (
    MAX_ROWS as MAX_ROWS,
    ListRecord as ListRecord,
    MadeList as MadeList,
    OverlayRecord as OverlayRecord,
    differences as differences,
    differing_rows as differing_rows,
    features_hash as features_hash,
    made_of_day as made_of_day,
    rows_of_calls as rows_of_calls,
    rows_of_frame as rows_of_frame,
    rows_of_sheet as rows_of_sheet,
)
from .parity_check import (
    ParityQuestion as ParityQuestion,
    ParityResult as ParityResult,
    parity as parity,
    require_parity as require_parity,
)
from .policy_audit import (
    AuditFinding as AuditFinding,
    AuditReport as AuditReport,
    audit as audit,
    law_rules as law_rules,
    mutants as mutants,
)
from .protected_groups import ProtectedGroups as ProtectedGroups, read_groups as read_groups
from .random_facts import draw_facts as draw_facts
from .receipts import ReceiptQuestion as ReceiptQuestion, read_receipt as read_receipt, receipt as receipt
from .service_replay import (
    PAGE_LIST as PAGE_LIST,
    PAGE_SHEET as PAGE_SHEET,
    ServiceInputs as ServiceInputs,
    answer_again as answer_again,
    rows_of_answer as rows_of_answer,
    service_list_again as service_list_again,
)
