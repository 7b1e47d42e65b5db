from .audit import Event as Event
from .books import Cover as Cover, Member as Member
from .campaigns import Campaigns as Campaigns
from .connection import Database as Database, check_private as check_private
from .consents import Consent as Consent
from .contacts import Contact as Contact, Recorded as Recorded
from .decisions import Decision as Decision
from .idempotency import Begun as Begun, Ticket as Ticket
from .into_tables import import_from_store as import_from_store, product_ids as product_ids
from .keys import Keys as Keys
from .migrating import backup as backup, upgrade as upgrade, version_of as version_of
from .retention import Before as Before, Pruned as Pruned
from .scope import SEES_ALL as SEES_ALL, Role as Role, Scope as Scope
from .spool import (
    Note as Note,
    Spool as Spool,
    into_store as into_store,
    is_alive as is_alive,
    line_of as line_of,
    notes_of as notes_of,
    write_line as write_line,
)
from .store import Store as Store
from .switches import Off as Off
from .tokens import Token as Token
from .users import SESSION_HOURS as SESSION_HOURS, Session as Session, User as User
