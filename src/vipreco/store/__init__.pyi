from .audit import AuditQuery as AuditQuery, Event as Event
from .audit_records import (
    AuditRecord as AuditRecord,
    append_lines as append_lines,
    decode_records as decode_records,
    encode_record as encode_record,
    save_records as save_records,
    writer_is_alive as writer_is_alive,
)
from .books import Cover as Cover, GrantedCover as GrantedCover, Member as Member
from .campaigns import Campaigns as Campaigns, Run as Run
from .connection import Database as Database
from .consents import Consent as Consent
from .contact import REFUSALS as REFUSALS, Contact as Contact
from .contacts import RecordedContact as RecordedContact
from .decisions import OF_A_LIST as OF_A_LIST, OF_ONE as OF_ONE, Decision as Decision
from .directory import (
    DIRECTORY_COLUMNS as DIRECTORY_COLUMNS,
    DirectoryEntry as DirectoryEntry,
    read_directory as read_directory,
)
from .feedback import (
    CAUSES as CAUSES,
    HALVING_MARKS as HALVING_MARKS,
    Feedback as Feedback,
    MarkedReason as MarkedReason,
    RefusedOffer as RefusedOffer,
)
from .hand_overs import HandOver as HandOver
from .idempotency import KeyedRequest as KeyedRequest, KeyLookup as KeyLookup, KeyState as KeyState
from .keys import Keys as Keys
from .masks import masked as masked
from .past_records import past_store as past_store
from .pending_changes import PendingChange as PendingChange
from .retention import PrunedRows as PrunedRows, RetentionCutoffs as RetentionCutoffs
from .schema_upgrade import backup as backup, upgrade as upgrade, version_of as version_of
from .scope import SEES_ALL as SEES_ALL, Role as Role, Scope as Scope
from .store import MadeByToken as MadeByToken, Store as Store
from .switches import SwitchedOff as SwitchedOff
from .table_import import import_from_store as import_from_store, product_ids as product_ids
from .tokens import Token as Token
from .users import SESSION_HOURS as SESSION_HOURS, Session as Session, User as User
