"""Expected forms of values, shown beside the reason that refused a row."""

from __future__ import annotations

import datetime as dt
from typing import Final

from vipreco.tables import checks, typed_columns
from vipreco.tables.contracts import Column, Kind
from vipreco.tables.date_forms import ISO_DATE, ISO_MOMENTS, form_of
from vipreco.tables.mapping_file import ColumnRule, SourceRule, TableRule

SHOWN: Final = dt.datetime(2025, 11, 30, 13, 45)  # noqa: DTZ001  an example, of no zone
HINTS: Final = {
    checks.CONFLICT_STORED: "give --correct if these rows correct the stored ones",
    checks.IN_FUTURE: "a date up to today; --accept-dates takes others",
    checks.STRAY_DATE: "a date that other rows have too; --accept-dates takes others",
    typed_columns.UNKNOWN_CODE: "one of the codes of the mapping",
    typed_columns.ID_DAMAGED: "text; text_ids = true in the mapping if these are ids as they should be",
    typed_columns.ID_CHARACTERS: "letters and digits of one script, with . _ : / - inside",
}


def expected(source: SourceRule, column: str, code: str) -> str:
    """Return the form that `column` of a source should have, for a row refused with `code`; or nothing."""
    if code in HINTS:
        return HINTS[code]
    for table in source.table:
        for ours, rule in _rules(table):
            if rule.column == column:
                return _form(ours, rule, code)
    return ""


def _rules(table: TableRule) -> list[tuple[Column, ColumnRule]]:
    rules = [(table.contract.by_name[name], rule) for name, rule in table.rules().items()]
    return rules + [(Column(name, Kind(rule.type)), rule) for name, rule in table.attributes.items()]


def _form(column: Column, rule: ColumnRule, code: str) -> str:
    if code == typed_columns.DATE:
        usual = (ISO_MOMENTS[1],) if column.kind is Kind.MOMENT else (ISO_DATE,)
        forms = rule.date_forms or usual
        return " or ".join(f"{form_of(form, rule.calendar).show(SHOWN)} ({form})" for form in forms)
    if code in (typed_columns.AMOUNT, typed_columns.NUMBER):
        return f"1234{rule.decimal_mark}50" + (
            f", with {rule.thousands_mark!r} between thousands" * bool(rule.thousands_mark)
        )
    if code == typed_columns.FLAG:
        return ", ".join((*rule.true, *rule.false)) or "1, 0, true, false, yes, no"
    return ", ".join(column.allowed) if code == typed_columns.NOT_ALLOWED else ""
