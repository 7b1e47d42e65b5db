"""The named columns that a rule may speak of: what each means, of which kind it is, and what it is about."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import polars as pl

from vipreco.errors import UsageError

CHANNELS: Final = ("branch", "call", "sms", "app")
PUBLIC_CHANNELS: Final = ("sms", "app")
NEVER_DAYS: Final = 36_500
"""Days since something that never happened."""
POLICY_ATTRIBUTE: Final = "policy_"
ASSESSMENT_AGES: Final = frozenset({"customer_risk_assessed_days", "customer_risk_assessed_months"})
COMPLAINT_DAYS: Final = 90
"""Days for which a recorded complaint counts where no snapshot tells of complaints."""


class Kind(StrEnum):
    """Kind of a column's values."""

    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"
    DATE = "date"


class Grain(StrEnum):
    """Subject of a column's values: the first word of its name."""

    CONTEXT = "context"
    CUSTOMER = "customer"
    PRODUCT = "product"
    PAIR = "pair"


DTYPES: Final[dict[Kind, pl.DataType]] = {
    Kind.TEXT: pl.String(),
    Kind.NUMBER: pl.Float64(),
    Kind.FLAG: pl.Boolean(),
    Kind.DATE: pl.Date(),
}


@dataclass(frozen=True)
class PolicyColumn:
    """A named column.

    Args:
        name: Name in rules; begins with what it is about.
        kind: Kind of its values.
        what: What it means.
        source: Where it comes from.
    """

    name: str
    kind: Kind
    what: str
    source: str = ""

    @property
    def grain(self) -> Grain:
        """Subject of one value."""
        return Grain(self.name.partition("_")[0])

    @property
    def dtype(self) -> pl.DataType:
        """Type in Polars."""
        return DTYPES[self.kind]


def _columns(kind: Kind, source: str, **meanings: str) -> tuple[PolicyColumn, ...]:
    return tuple(PolicyColumn(name, kind, what, source) for name, what in meanings.items())


CONTEXT: Final = (
    *_columns(Kind.TEXT, "the question", context_channel=f"Channel of the offer: {', '.join(CHANNELS)}."),
    *_columns(
        Kind.FLAG,
        "the question",
        context_public_channel=f"The channel reaches the public ({', '.join(PUBLIC_CHANNELS)}).",
    ),
    *_columns(Kind.DATE, "the question", context_as_of_date="Date whose knowledge is used."),
)
PROFILE: Final = (
    *_columns(
        Kind.TEXT,
        "customers",
        customer_tier="Tier at the newest snapshot.",
        customer_manager_id="Relationship manager.",
        customer_branch_id="Branch.",
        customer_risk_level="Risk class as assessed.",
    ),
    *_columns(
        Kind.NUMBER,
        "customers",
        customer_aum_amount="Assets under management.",
        customer_risk_rank="Place of the risk class in the ladder, 1 = the most careful.",
        customer_risk_assessed_days="Days since the risk assessment; negative when it is dated ahead.",
        customer_risk_assessed_months="Whole months since the risk assessment.",
        customer_age_years="Age in whole years, from the birth date.",
        customer_joined_days="Days since the customer joined.",
    ),
    *_columns(
        Kind.FLAG,
        "customers",
        customer_in_snapshot="The newest snapshot has a sound row of the customer.",
        customer_consent_call="Agreed to be called.",
        customer_consent_sms="Agreed to text messages.",
        customer_consent_app="Agreed to messages of the app.",
        customer_consent_in_channel="Agreed to the channel of the offer; always true in the branch.",
        customer_profiling_opt_out="Refuses profiling.",
    ),
)
OPTIONAL: Final = (
    *_columns(
        Kind.FLAG,
        "attribute",
        customer_qualified_investor="Recorded as a qualified (accredited) investor.",
        customer_complaint_open="Has a complaint that is not settled.",
        customer_blocked="Blocked for offers by the bank.",
        customer_marketing_objection="Objects to direct marketing.",
        customer_demands_recorded="Demands and needs for insurance are recorded.",
        customer_guardian_consent="The guardian of a customer of limited capacity consents.",
    ),
    *_columns(
        Kind.TEXT,
        "attribute",
        customer_legal_capacity="Capacity to act in law: full, limited or none.",
        customer_investor_class="professional or ordinary; ordinary unless recorded as professional.",
    ),
    *_columns(
        Kind.NUMBER,
        "attribute",
        customer_free_liquidity_amount="Money that the customer can place now.",
        customer_assessments_day="Risk assessments on this day.",
        customer_assessments_year="Risk assessments within the last twelve months.",
        customer_special_procedure_days="Days since the special procedure for older customers was done.",
    ),
)
"""Facts that a bank may bring as attributes whose names begin with `policy_`."""
OF_PRODUCTS: Final = (
    *_columns(
        Kind.TEXT,
        "products",
        product_id="Code of the product.",
        product_name="Name of the product.",
        product_family="Family.",
        product_risk_level="Risk class: the higher of the issuer's and the seller's.",
        product_placement="public or private.",
    ),
    *_columns(
        Kind.NUMBER,
        "products",
        product_risk_rank="Place of the risk class in the ladder, 1 = the safest.",
        product_min_amount="Least amount of an acquisition; 0 where there is none.",
    ),
    *_columns(
        Kind.FLAG,
        "products",
        product_offered="On offer at the date, with sound records.",
        product_in_channel="May be offered in the channel; unknown where no channels are listed.",
        product_repeatable="A holder can acquire it again.",
        product_scored="Known to the model in use.",
    ),
)
OF_PAIRS: Final = (
    *_columns(
        Kind.FLAG,
        "holdings",
        pair_held="The customer holds the product.",
        pair_prerequisites_held="The customer holds all products that this one needs.",
        pair_exclusive_held="The customer holds a product that cannot be combined with this one.",
    ),
)
OF_CONTACTS: Final = (
    *_columns(
        Kind.FLAG,
        "contacts",
        customer_do_not_contact="Asked in any channel not to be contacted.",
        customer_do_not_contact_in_channel="Asked in the channel of the offer not to be contacted.",
        customer_complained=f"Complained within {COMPLAINT_DAYS} days, and no later snapshot tells of it.",
    ),
    *_columns(
        Kind.NUMBER,
        "contacts",
        customer_contact_days=f"Days since the last contact; {NEVER_DAYS} without any.",
        pair_decline_days=f"Days since the customer declined the product; {NEVER_DAYS} if never.",
    ),
)
KNOWN: Final = {
    column.name: column for column in (*CONTEXT, *PROFILE, *OPTIONAL, *OF_PRODUCTS, *OF_PAIRS, *OF_CONTACTS)
}
"""All columns but those with a window, by name."""

_WINDOW = re.compile(r"(customer|customer_channel|pair)_contacts_([1-9][0-9]{0,3})d")
WINDOWS: Final = {
    "customer": "Contacts with the customer within the last N days.",
    "customer_channel": "The same, in the channel of the offer.",
    "pair": "Contacts with the customer about the product within the last N days.",
}
"""Meaning of a column `<key>_contacts_<N>d`."""


@dataclass(frozen=True)
class Window:
    """A rolling count of contacts: `<of>_contacts_<days>d`."""

    of: str
    days: int


def window_of(name: str) -> Window | None:
    """Return the window that a column's name speaks of, if any.

    >>> window_of("customer_channel_contacts_30d")
    Window(of='customer_channel', days=30)
    """
    found = _WINDOW.fullmatch(name)
    return Window(found[1], int(found[2])) if found else None


def column_of(name: str, own: Iterable[PolicyColumn] = ()) -> PolicyColumn | None:
    """Return the column of a name: one of ours, a window of contacts, or one of the bank's own."""
    window = window_of(name)
    if window:
        return PolicyColumn(
            name, Kind.NUMBER, WINDOWS[window.of].replace("N", str(window.days), 1), "contacts"
        )
    return KNOWN.get(name) or next((column for column in own if column.name == name), None)


def named(name: str, own: Iterable[PolicyColumn] = ()) -> PolicyColumn:
    """Return the column of a name.

    Raises:
        UsageError: There is none.
    """
    column = column_of(name, own)
    if column is None:
        known = [*KNOWN, *(column.name for column in own)]
        raise UsageError(f"there is no fact {name}{nearest(name, known)}", code="policy-column")
    return column


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `, did you mean X?` for the known name nearest to `name`, or nothing."""
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f", did you mean {near[0]}?" if near else ""


def column_table() -> pl.DataFrame:
    """Return all named columns: name, kind, source, what; windows and the bank's own as patterns."""
    windows = [
        PolicyColumn(f"{of}_contacts_<N>d", Kind.NUMBER, what, "contacts") for of, what in WINDOWS.items()
    ]
    own = PolicyColumn("customer_<name>", Kind.TEXT, "A bank's own, declared under [columns].", "attribute")
    rows = [
        (column.name, column.kind.value, source_of(column), column.what)
        for column in (*KNOWN.values(), *windows, own)
    ]
    return pl.DataFrame(rows, schema=["column", "kind", "source", "what"], orient="row")


def source_of(column: PolicyColumn) -> str:
    """Return where a bank brings a column from: a table, or an attribute of its customers."""
    if column.source != "attribute":
        return column.source
    name = column.name.removeprefix("customer_")
    return f"customers, attribute {POLICY_ATTRIBUTE}{name}".replace("_days", "_date")
