"""A customer's sheet as it is written, with the day that the decision log keeps."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any

from vipreco.documents import write_document
from vipreco.lists import CustomerSheet, Day, Wording, customer_sheet, sheet_document


@dataclass(frozen=True)
class ShownSheet:
    """A sheet, and what a record of it is made of.

    Args:
        document: Its parts as JSON values.
        day: The day of the customer; None where a release has no tables behind it.
        sheet: The sheet before it was written.
    """

    document: dict[str, Any]
    day: Day | None = None
    sheet: CustomerSheet | None = None


def shown_sheet(day: Day, model_version: str, say: Wording) -> ShownSheet:
    """Return the sheet of a customer, as `vipreco sheet` writes it."""
    target, sheet = io.BytesIO(), customer_sheet(day, model_version, say)
    write_document(sheet_document(sheet, say), target, "json")
    return ShownSheet(json.loads(target.getvalue()), day, sheet)
