from .decision_replay import Places as Places, replay as replay
from .fact_check import Check as Check, check_reasons as check_reasons
from .leak_check import LeakReport as LeakReport, leakcheck as leakcheck
from .list_audit import audit_alone as audit_alone, audit_listed as audit_listed, sampled as sampled
from .parity_check import Compared as Compared, parity as parity, require as require
from .policy_audit import (
    AuditReport as AuditReport,
    Finding as Finding,
    audit as audit,
    law_rules as law_rules,
    mutants as mutants,
)
from .random_facts import draw_facts as draw_facts
from .receipts import Question as Question, read_receipt as read_receipt, receipt as receipt
