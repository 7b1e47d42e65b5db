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


def shown_sheet(day: Day, model_version: str, say: Wording, manager_id: str | None = None) -> ShownSheet:
    """Return the sheet of a customer, as `vipreco sheet` writes it.

    Args:
        day: The day of the customer.
        model_version: Version of the model.
        say: The words.
        manager_id: Whose customer it is; None: by the bank's tables.
    """
    target, sheet = io.BytesIO(), customer_sheet(day, model_version, say)
    sheet = sheet if manager_id is None else sheet.held_by(manager_id)
    write_document(sheet_document(sheet, say), target, "json")
    return ShownSheet(json.loads(target.getvalue()), day, sheet)
