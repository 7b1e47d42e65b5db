"""Changes in the operational store since the tables were imported: no list may be older than these."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from vipreco.store import Store

CONSENTS = {"consent_call": "call", "consent_sms": "sms", "consent_app": "app"}
REFUSED, COMPLAINED, ACCEPTED = "do_not_contact", "complaint", "accepted"
REASONS = {
    "customer_id": pl.String(),
    "channel": pl.String(),
    "product_id": pl.String(),
    "reason_code": pl.String(),
    "reason": pl.String(),
}


@dataclass(frozen=True)
class StoreChanges:
    """Changes about customers between two numbers of the store, and products that are switched off.

    Args:
        removed: Rows customer_id, channel (null = all), product_id (null = all), reason_code, reason.
        products: Products that are switched off.
    """

    removed: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=REASONS))
    products: frozenset[str] = frozenset()

    @classmethod
    def read(
        cls, store: Store, products: frozenset[str], after: int, until: int | None = None
    ) -> StoreChanges:
        """Read the changes with a number above `after`, up to `until`."""
        consents = store.consents.changed(after, until)
        outcomes = store.contacts.outcomes(after, until)
        rows = [
            *_withdrawn([(one.customer_id, one.kind, one.granted) for one in consents]),
            *(
                row
                for customer, product, outcome in outcomes
                if (row := _withdrawn_by_contact(customer, product, outcome))
            ),
        ]
        return cls(pl.DataFrame(rows, REASONS, orient="row").unique().sort(pl.all()), products)


Row = tuple[str, str | None, str | None, str, str]


def _withdrawn(words: list[tuple[str, str, bool]]) -> list[Row]:
    last = {(customer, kind): granted for customer, kind, granted in words}
    rows: list[Row] = [
        (customer, CONSENTS[kind], None, "CONSENT_WITHDRAWN", f"withdrew the consent to {CONSENTS[kind]}")
        for (customer, kind), granted in last.items()
        if kind in CONSENTS and not granted
    ]
    rows += [
        (customer, None, None, "PROFILING_REFUSED", "opted out of profiling")
        for (customer, kind), granted in last.items()
        if kind == "profiling_opt_out" and granted
    ]
    return rows


def _withdrawn_by_contact(customer: str, product: str | None, outcome: str) -> Row | None:
    if outcome == REFUSED:
        return customer, None, None, "DO_NOT_CONTACT", "asked not to be contacted"
    if outcome == COMPLAINED:
        return customer, None, None, "COMPLAINT_RECORDED", "complained"
    if outcome == ACCEPTED and product is not None:
        return customer, None, product, "ACCEPTED", "accepted the product"
    return None
